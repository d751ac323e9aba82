#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "spikelens/core/array.h"

namespace spikelens {

inline std::string little_word(uint64_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xFF);
    return text;
}

/// Writes a pickle opcode by opcode, by the text of Python's pickletools: protocol 2 and 3 name globals by GLOBAL, 4
/// and 5 by STACK_GLOBAL, short texts and a frame.
class PickleWriter {
  public:
    explicit PickleWriter(int protocol = 2) : protocol_(protocol) {}

    PickleWriter& raw(const std::string& bytes) {
        bytes_ += bytes;
        return *this;
    }
    PickleWriter& text(const std::string& value) {
        if (protocol_ >= 4 && value.size() < 256) return raw("\x8c" + little_word(value.size(), 1) + value);
        return raw("X" + little_word(value.size(), 4) + value);
    }
    PickleWriter& integer(int64_t value) {
        if (value >= 0 && value < 256) return raw("K" + little_word(static_cast<uint64_t>(value), 1));
        return raw("\x8a" + little_word(8, 1) + little_word(static_cast<uint64_t>(value), 8));
    }
    PickleWriter& integers(const Shape& values) {
        raw("(");
        for (const int64_t value : values) integer(value);
        return raw("t");
    }
    PickleWriter& global(const std::string& module, const std::string& name) {
        if (protocol_ < 4) return raw("c" + module + "\n" + name + "\n");
        return text(module).text(name).raw("\x93");
    }
    /// Calls collections.OrderedDict().
    PickleWriter& empty_ordered_dict() { return global("collections", "OrderedDict").raw(")R"); }

    PickleWriter& number(double value) {
        const uint64_t bits = std::bit_cast<uint64_t>(value);
        std::string bytes = little_word(bits, 8);
        std::ranges::reverse(bytes);
        return raw("G" + bytes);
    }

    /// The whole pickle, with its protocol and stop.
    std::string done() const {
        const std::string content = bytes_ + ".";
        const std::string frame = protocol_ >= 4 ? "\x95" + little_word(content.size(), 8) : "";
        return "\x80" + little_word(static_cast<uint64_t>(protocol_), 1) + frame + content;
    }

  private:
    int protocol_;
    std::string bytes_;

    friend std::string opcodes_of(const PickleWriter& pickle) { return pickle.bytes_; }
};

/// A storage as PyTorch keeps it outside the pickle.
struct TestStorage {
    std::string type = "FloatStorage";
    int64_t count = 0;
    std::string bytes;
};

inline TestStorage float_storage(const std::vector<float>& values) {
    TestStorage storage{"FloatStorage", static_cast<int64_t>(values.size()), ""};
    for (const float value : values) storage.bytes += little_word(std::bit_cast<uint32_t>(value), 4);
    return storage;
}

struct TestTensor {
    std::string name;
    size_t storage = 0;
    int64_t offset = 0;
    Shape shape, strides;
};

/// Everything a file of PyTorch holds; to be written in either form.
struct TestFile {
    int protocol = 2;
    bool stream = false;  ///< the form before PyTorch 1.6
    std::vector<TestTensor> tensors;
    std::vector<TestStorage> storages;
    std::vector<std::pair<std::string, std::string>> others;  ///< entries that are no tensors: name and opcodes
    std::vector<std::string> modules;  ///< of _metadata, which PyTorch gives to a state dict; none: no _metadata

    /// Adds a tensor of whole numbers.
    void add_integers(const std::string& name, const Shape& shape, const std::vector<int64_t>& values) {
        Shape strides(shape.size(), 1);
        for (size_t axis = strides.size(); axis-- > 1;) strides[axis - 1] = strides[axis] * shape[axis];
        tensors.push_back({name, storages.size(), 0, shape, strides});
        TestStorage storage{"LongStorage", static_cast<int64_t>(values.size()), ""};
        for (const int64_t value : values) storage.bytes += little_word(static_cast<uint64_t>(value), 8);
        storages.push_back(std::move(storage));
    }
    /// Adds a dense float32 tensor with a storage of its own.
    void add(const std::string& name, const FloatArray& values) {
        Shape strides(values.shape.size(), 1);
        for (size_t axis = strides.size(); axis-- > 1;) strides[axis - 1] = strides[axis] * values.shape[axis];
        tensors.push_back({name, storages.size(), 0, values.shape, strides});
        storages.push_back(float_storage(values.data));
    }

    void write_tensor(PickleWriter& pickle, const TestTensor& tensor) const {
        const TestStorage& storage = storages.at(tensor.storage);
        pickle.global("torch._utils", "_rebuild_tensor_v2").raw("((").text("storage").global("torch", storage.type);
        pickle.text(std::to_string(tensor.storage)).text("cpu").integer(storage.count).raw(stream ? "NtQ" : "tQ");
        pickle.integer(tensor.offset).integers(tensor.shape).integers(tensor.strides).raw("\x89");
        pickle.empty_ordered_dict().raw("tR");
    }
    /// The state dict, as one value of a pickle.
    void write_dict(PickleWriter& pickle) const {
        pickle.empty_ordered_dict().raw("(");
        for (const TestTensor& tensor : tensors) write_tensor(pickle.text(tensor.name), tensor);
        for (const auto& [name, opcodes] : others) pickle.text(name).raw(opcodes);
        pickle.raw("u");
        if (modules.empty()) return;
        pickle.raw("}").text("_metadata").empty_ordered_dict().raw("(");
        for (const std::string& module : modules) pickle.text(module).raw("}");
        pickle.raw("usb");
    }
    std::string object() const {
        PickleWriter pickle(protocol);
        write_dict(pickle);
        return pickle.done();
    }
    std::string bytes() const { return bytes(object()); }
    std::string bytes(const std::string& object_pickle) const;
};

inline uint32_t crc32_of(const std::string& bytes) {
    uint32_t crc = ~uint32_t{0};
    for (const char byte : bytes) {
        crc ^= static_cast<uint8_t>(byte);
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320U : 0);
    }
    return ~crc;
}

/// A zip archive of stored files.
inline std::string stored_zip(const std::vector<std::pair<std::string, std::string>>& files) {
    std::string archive, directory;
    for (const auto& [name, content] : files) {
        const std::string sizes = little_word(crc32_of(content), 4) + little_word(content.size(), 4) +
                                  little_word(content.size(), 4) + little_word(name.size(), 2) + little_word(0, 2);
        const std::string fields =
            little_word(20, 2) + little_word(0, 4) + little_word(0, 2) + little_word(0x21, 2) + sizes;
        directory +=
            "PK\x01\x02" + little_word(20, 2) + fields + std::string(10, '\0') + little_word(archive.size(), 4) + name;
        archive += "PK\x03\x04" + fields + name + content;
    }
    const std::string end = "PK\x05\x06" + little_word(0, 4) + little_word(files.size(), 2) +
                            little_word(files.size(), 2) + little_word(directory.size(), 4) +
                            little_word(archive.size(), 4) + little_word(0, 2);
    return archive + directory + end;
}

inline std::string TestFile::bytes(const std::string& object_pickle) const {
    if (!stream) {
        std::vector<std::pair<std::string, std::string>> files = {{"archive/data.pkl", object_pickle},
                                                                  {"archive/byteorder", "little"}};
        for (size_t i = 0; i < storages.size(); ++i)
            files.emplace_back("archive/data/" + std::to_string(i), storages[i].bytes);
        files.emplace_back("archive/version", "3\n");
        return stored_zip(files);
    }
    PickleWriter magic(protocol), version(protocol), system(protocol), keys(protocol);
    magic.raw(std::string("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 12));
    version.integer(1001);
    system.raw("}(").text("little_endian").raw("\x88").text("protocol_version").integer(1001).raw("u");
    keys.raw("](");
    for (size_t i = 0; i < storages.size(); ++i) keys.text(std::to_string(i));
    keys.raw("e");
    std::string file = magic.done() + version.done() + system.done() + object_pickle + keys.done();
    for (const TestStorage& storage : storages)
        file += little_word(static_cast<uint64_t>(storage.count), 8) + storage.bytes;
    return file;
}

}  // namespace spikelens
