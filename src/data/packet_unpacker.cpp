#include "packet_unpacker.h"

#include <algorithm>
#include <memory>

#include <lz4frame.h>
#include <zstd.h>

#include "spikelens/core/error.h"

#include "byte_cursor.h"

namespace spikelens {
namespace {

/// One step of a decompressor.
struct Step {
    size_t taken = 0, given = 0;
    bool ended = false;  ///< the frame is complete
};

class Decompressor {
  public:
    virtual ~Decompressor() = default;
    virtual Step step(std::span<const uint8_t> packed, std::span<uint8_t> target, const std::string& what) = 0;
};

class Lz4 : public Decompressor {
  public:
    Lz4() {
        LZ4F_dctx* context = nullptr;
        if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION))) throw RunError("LZ4 cannot start");
        context_.reset(context);
    }
    Step step(std::span<const uint8_t> packed, std::span<uint8_t> target, const std::string& what) override {
        Step step{packed.size(), target.size(), false};
        const size_t status =
            LZ4F_decompress(context_.get(), target.data(), &step.given, packed.data(), &step.taken, nullptr);
        if (LZ4F_isError(status))
            throw InputError(what + " is a damaged LZ4 frame (" + LZ4F_getErrorName(status) + ")");
        step.ended = status == 0;
        return step;
    }

  private:
    std::unique_ptr<LZ4F_dctx, decltype(&LZ4F_freeDecompressionContext)> context_{nullptr,
                                                                                  &LZ4F_freeDecompressionContext};
};

class Zstd : public Decompressor {
  public:
    Zstd() {
        if (!context_) throw RunError("Zstandard cannot start");
    }
    Step step(std::span<const uint8_t> packed, std::span<uint8_t> target, const std::string& what) override {
        ZSTD_inBuffer from{packed.data(), packed.size(), 0};
        ZSTD_outBuffer to{target.data(), target.size(), 0};
        const size_t status = ZSTD_decompressStream(context_.get(), &to, &from);
        if (ZSTD_isError(status))
            throw InputError(what + " is a damaged Zstandard frame (" + ZSTD_getErrorName(status) + ")");
        return {from.pos, to.pos, status == 0};
    }

  private:
    std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context_{ZSTD_createDCtx(), &ZSTD_freeDCtx};
};

std::unique_ptr<Decompressor> decompressor(Packing packing) {
    if (packing == Packing::lz4 || packing == Packing::lz4_high) return std::make_unique<Lz4>();
    return std::make_unique<Zstd>();
}

class Unpacking {
  public:
    Unpacking(std::span<const uint8_t> packed, Packing packing, const std::string& what)
        : packed_(packed), decompressor_(decompressor(packing)), what_(what) {}

    /// As much of the target as the frame fills.
    size_t fill(std::span<uint8_t> target) {
        size_t filled = 0;
        while (filled < target.size() && !ended_) {
            const Step step = decompressor_->step(packed_, target.subspan(filled), what_);
            packed_ = packed_.subspan(step.taken);
            filled += step.given;
            ended_ = step.ended;
            if (!ended_ && step.taken == 0 && step.given == 0)
                throw InputError(what_ + " is truncated within its packed frame");
        }
        return filled;
    }
    /// Whether the frame, and with it the packet, has nothing more.
    bool exhausted() {
        uint8_t more = 0;
        return fill({&more, 1}) == 0 && packed_.empty();
    }

  private:
    std::span<const uint8_t> packed_;
    std::unique_ptr<Decompressor> decompressor_;
    const std::string& what_;
    bool ended_ = false;
};

uint64_t announced_size(std::span<const uint8_t> prefix, uint64_t limit, const std::string& what) {
    const uint64_t size = load_little<uint32_t>(prefix.data());
    if (size > limit)
        throw InputError(what + " unpacks to " + std::to_string(size) + " bytes, more than the " +
                         std::to_string(limit) + " allowed");
    return size;
}

[[noreturn]] void refuse_length(const std::string& what, uint64_t size) {
    throw InputError(what + " does not hold the " + std::to_string(size) + " bytes it announces");
}

std::vector<uint8_t> plain(std::span<const uint8_t> bytes, uint64_t limit, const std::string& what) {
    if (bytes.size() < 4) throw InputError(what + " is truncated");
    const uint64_t size = announced_size(bytes, limit, what);
    if (size != bytes.size() - 4) refuse_length(what, size);
    return {bytes.begin() + 4, bytes.end()};
}

}  // namespace

std::vector<uint8_t> unpack_packet(std::span<const uint8_t> packed, Packing packing, uint64_t limit,
                                   const std::string& what) {
    if (packing == Packing::none) return plain(packed, limit, what);
    Unpacking unpacking(packed, packing, what);
    std::vector<uint8_t> content(4);
    if (unpacking.fill(content) < 4) throw InputError(what + " is truncated");
    const uint64_t size = announced_size(content, limit, what);
    content.clear();
    while (content.size() < size) {
        const size_t held = content.size();
        content.resize(std::min<uint64_t>(size, std::max<size_t>(2 * held, 1 << 16)));
        const size_t got = unpacking.fill(std::span(content).subspan(held));
        if (held + got < content.size()) refuse_length(what, size);
    }
    if (!unpacking.exhausted()) refuse_length(what, size);
    return content;
}

}  // namespace spikelens
