#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "spikelens/core/error.h"

#include "event_list.h"
#include "event_readers.h"
#include "io/zip_archive.h"
#include "npy.h"

namespace spikelens {
namespace {

constexpr uint64_t kLargestArray = uint64_t{1} << 32;
constexpr int64_t kFrameTime = 1000;    // µs
constexpr int64_t kMostPerPixel = 255;  // as many as a step holds
const std::array<std::string, 4> kColumns = {"t", "x", "y", "p"};

/// One array of the archive, unpacked.
struct NpyArray {
    NpyArray(const ZipArchive& archive, const EventFile& file, const std::string& member)
        : what("'" + member + "' in " + file.name),
          bytes(archive.read(member, kLargestArray)),
          header(read_npy_header(bytes, what)) {}

    int64_t number(const NpyField& field, int64_t index) const {
        return npy_whole_number(
            bytes.data() + header.size + static_cast<size_t>(index) * header.element_bytes + field.offset, field.type,
            what);
    }

    std::string what;
    std::vector<uint8_t> bytes;
    NpyHeader header;
};

/// The members of events while they are gathered, in the order t, x, y, p.
struct Row {
    std::array<int64_t, 4> value{};
};

/// Adds rows to a list. Polarities are 0 and 1, or −1 and 1: of all three, nobody knows what each means.
class RowList {
  public:
    RowList(const std::string& file, size_t rows) : file_(file), list_(file, "npz", 0, 0, "event") {
        list_.expect(rows);
    }

    void add(const Row& row) {
        const auto [time, x, y, polarity] = row.value;
        if (polarity < -1 || polarity > 1 || (polarity == -1 && zero_) || (polarity == 0 && negative_))
            throw InputError(file_ + ": event " + std::to_string(index_) + " has the polarity " +
                             std::to_string(polarity) +
                             (polarity < -1 || polarity > 1 ? ""
                              : polarity == 0               ? " after one of -1"
                                                            : " after one of 0") +
                             ", expected 0 and 1, or -1 and 1");
        zero_ = zero_ || polarity == 0;
        negative_ = negative_ || polarity == -1;
        list_.add(time, x, y, polarity == 1, index_++);
    }

    EventRecording finish() { return list_.finish(); }

  private:
    const std::string& file_;
    EventList list_;
    uint64_t index_ = 0;
    bool zero_ = false, negative_ = false;
};

/// One number for each event, as many as others have where these are known.
void check_length(const NpyArray& array, std::optional<int64_t> others = std::nullopt) {
    if (array.header.shape.size() != 1)
        throw InputError(array.what + " has the shape " + shape_text(array.header.shape) +
                         ", expected one number for each event");
    const int64_t length = others.value_or(array.header.shape[0]);
    if (array.header.shape[0] != length)
        throw InputError(array.what + " has the shape " + shape_text(array.header.shape) + ", expected [" +
                         std::to_string(length) + "]");
    if (length > static_cast<int64_t>(EventList::kMostEvents))
        throw InputError(array.what + " has " + std::to_string(length) + " events, more than the " +
                         std::to_string(EventList::kMostEvents) + " allowed");
}

/// t.npy, x.npy, y.npy and p.npy, of which one is unpacked at a time.
EventRecording from_columns(const ZipArchive& archive, const EventFile& file) {
    std::vector<Row> rows;
    for (size_t column = 0; column < kColumns.size(); ++column) {
        const NpyArray array(archive, file, kColumns[column] + ".npy");
        if (array.header.fields.size() != 1 || !array.header.fields[0].name.empty())
            throw InputError(array.what + " holds records, expected plain numbers");
        check_length(array, column == 0 ? std::nullopt : std::optional(static_cast<int64_t>(rows.size())));
        rows.resize(static_cast<size_t>(array.header.shape[0]));
        for (size_t i = 0; i < rows.size(); ++i)
            rows[i].value[column] = array.number(array.header.fields[0], static_cast<int64_t>(i));
    }
    RowList list(file.name, rows.size());
    for (const Row& row : rows) list.add(row);
    return list.finish();
}

/// A matrix of events may be t, x, y, p or x, y, t, p or x, y, p, t: a guess would turn or mix up the recording.
void refuse_plain_array(const NpyArray& array) {
    throw InputError(
        array.what + " is a plain array of shape " + shape_text(array.header.shape) +
        ", and nothing in it says which numbers are t, x, y and p: save four arrays with these names, or one array "
        "of records with these fields");
}

/// One array of records with the fields t, x, y and p.
EventRecording from_records(const NpyArray& array, const EventFile& file) {
    if (array.header.fields.size() == 1 && array.header.fields[0].name.empty()) refuse_plain_array(array);
    check_length(array);
    std::array<NpyField, 4> fields;
    for (size_t column = 0; column < kColumns.size(); ++column) {
        const auto field = std::ranges::find(array.header.fields, kColumns[column], &NpyField::name);
        if (field == array.header.fields.end())
            throw InputError(array.what + " has no field '" + kColumns[column] + "'");
        fields[column] = *field;
    }
    RowList list(file.name, static_cast<size_t>(array.header.shape[0]));
    for (int64_t i = 0; i < array.header.shape[0]; ++i) {
        Row row;
        for (size_t column = 0; column < kColumns.size(); ++column) row.value[column] = array.number(fields[column], i);
        list.add(row);
    }
    return list.finish();
}

/// Counts [T, 2, H, W] (or one polarity, [T, 1, H, W]): so many events at the frame's time.
EventRecording from_frames(const NpyArray& array, const EventFile& file) {
    const Shape& shape = array.header.shape;
    if (array.header.fields.size() != 1 || shape.size() != 4 || array.header.fortran_order || shape[1] < 1 ||
        shape[1] > 2)
        throw InputError(array.what + " has the shape " + shape_text(shape) +
                         (array.header.fortran_order ? " in Fortran order" : "") +
                         ", expected plain counts [steps, 1 or 2, height, width]");
    const int64_t channels = shape[1], height = shape[2], width = shape[3];
    if (height < 1 || width < 1 || height > 1 << 16 || width > 1 << 16)
        throw InputError(array.what + " has frames of " + std::to_string(width) + " x " + std::to_string(height) +
                         " pixels, expected 1 to 65536 of each");
    EventList list(file.name, "npz", static_cast<int>(width), static_cast<int>(height), "element");
    for (int64_t i = 0; i < array.header.elements(); ++i) {
        const int64_t count = array.number(array.header.fields[0], i);
        if (count < 0 || count > kMostPerPixel)
            throw InputError(array.what + " holds " + std::to_string(count) + ", expected counts of 0 to 255 events");
        const int64_t pixel = i % (height * width), channel = i / (height * width) % channels;
        const bool polarity = channels == 1 || channel == 1;
        for (int64_t repeat = 0; repeat < count; ++repeat)
            list.add(i / (channels * height * width) * kFrameTime, pixel % width, pixel / width, polarity,
                     static_cast<uint64_t>(i));
    }
    return list.finish();
}

EventRecording read_npz_events(const EventFile& file) {
    const ZipArchive archive(file.bytes, file.name);
    if (std::ranges::all_of(kColumns, [&](const std::string& column) { return archive.has(column + ".npy"); }))
        return from_columns(archive, file);
    if (archive.has("frames.npy")) return from_frames(NpyArray(archive, file, "frames.npy"), file);
    if (archive.names().size() == 1) return from_records(NpyArray(archive, file, archive.names()[0]), file);
    throw InputError(file.name + " holds " + std::to_string(archive.names().size()) +
                     " arrays, expected t, x, y and p, or frames, or one array of records");
}

}  // namespace

EventFormat npz_format() {
    return {".npz (PK)", {".npz"}, [](const EventFile& file) { return begins_with(file, "PK"); }, read_npz_events};
}

}  // namespace spikelens
