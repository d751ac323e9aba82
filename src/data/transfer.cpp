#include "transfer.h"

#include <array>
#include <exception>
#include <memory>

#include <curl/curl.h>

#include "spikelens/core/error.h"

namespace spikelens {
namespace {

constexpr long kWhole = 200, kPartial = 206, kRangeNotSatisfiable = 416;

using Handle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;

struct Reception {
    CURL* handle;
    PartFile& part;
    uint64_t limit;
    const std::function<void(uint64_t)>& watch;
    bool continued;
    bool begun = false;
    bool too_long = false;
    std::exception_ptr failure{};

    long status() const {
        long code = 0;
        curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &code);
        return code;
    }

    /// Whether the bytes were wanted.
    bool take(std::string_view bytes) {
        if (status() != kWhole && status() != kPartial) return false;
        if (!begun && status() == kWhole) {
            part.clear();
            continued = false;
        }
        begun = true;
        too_long = limit > 0 && part.size() + bytes.size() > limit;
        if (!too_long) part.append(bytes);
        return !too_long;
    }
};

// No exception may cross libcurl: it is kept and thrown again behind it.
size_t on_bytes(char* bytes, size_t, size_t count, void* reception) noexcept {
    auto& self = *static_cast<Reception*>(reception);
    try {
        return self.take({bytes, count}) ? count : CURL_WRITEFUNC_ERROR;
    } catch (...) {
        self.failure = std::current_exception();
        return CURL_WRITEFUNC_ERROR;
    }
}

int on_progress(void* reception, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
    auto& self = *static_cast<Reception*>(reception);
    try {
        if (self.watch) self.watch(self.part.size());
        return 0;
    } catch (...) {
        self.failure = std::current_exception();
        return 1;
    }
}

Handle start_curl() {
    static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
    Handle handle(started == CURLE_OK ? curl_easy_init() : nullptr, &curl_easy_cleanup);
    if (!handle) throw RunError("libcurl cannot start");
    return handle;
}

void configure(CURL* handle, const std::string& address, int stall_seconds) {
    curl_easy_setopt(handle, CURLOPT_URL, address.c_str());
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "spikelens");
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(handle, CURLOPT_MAXREDIRS, 5L);
    curl_easy_setopt(handle, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, static_cast<long>(stall_seconds));
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, static_cast<long>(stall_seconds));
}

void connect(CURL* handle, Reception& reception) {
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &on_bytes);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &reception);
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &on_progress);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &reception);
    // Not CURLOPT_RESUME_FROM: it fails on a server that sends the whole file instead of the rest.
    if (reception.continued)
        curl_easy_setopt(handle, CURLOPT_RANGE, (std::to_string(reception.part.size()) + "-").c_str());
}

Transfer outcome(CURLcode code, const Reception& reception, const char* explanation) {
    Transfer result{.end = Transfer::End::interrupted, .continued = reception.continued, .reason = {}};
    const long status = reception.status();
    const bool success = status == kWhole || status == kPartial;
    if (code == CURLE_OK && success) {
        result.end = Transfer::End::complete;
    } else if (reception.too_long) {
        result.end = Transfer::End::unusable;
        result.reason = "sent more than " + std::to_string(reception.limit) + " bytes";
    } else if (code == CURLE_OK || code == CURLE_WRITE_ERROR || code == CURLE_HTTP_RETURNED_ERROR) {
        if (status == kRangeNotSatisfiable) result.end = Transfer::End::unusable;
        result.reason = "answered " + std::to_string(status);
    } else {
        result.reason = *explanation ? explanation : curl_easy_strerror(code);
    }
    return result;
}

}  // namespace

Transfer transfer(const std::string& address, PartFile& part, uint64_t limit, int stall_seconds,
                  const std::function<void(uint64_t held)>& watch) {
    const Handle handle = start_curl();
    Reception reception{
        .handle = handle.get(), .part = part, .limit = limit, .watch = watch, .continued = part.size() > 0};
    std::array<char, CURL_ERROR_SIZE> explanation{};
    curl_easy_setopt(handle.get(), CURLOPT_ERRORBUFFER, explanation.data());
    configure(handle.get(), address, stall_seconds);
    connect(handle.get(), reception);
    const CURLcode code = curl_easy_perform(handle.get());
    if (reception.failure) std::rethrow_exception(reception.failure);
    return outcome(code, reception, explanation.data());
}

}  // namespace spikelens
