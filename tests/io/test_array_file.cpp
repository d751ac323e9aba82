#include <chrono>
#include <cmath>
#include <fstream>
#include <limits>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"
#include "spikelens/io/array_file.h"
#include "spikelens/io/files.h"
#include "spikelens/io/sha256.h"

#include "io/hdf5_image.h"
#include "support/errors.h"
#include "support/small_files.h"
#include "support/temporary_folder.h"

namespace spikelens {
namespace {

using testing::HasSubstr;

template <class T>
Array<T> noise(Shape shape, uint64_t key) {
    Array<T> array(std::move(shape));
    for (int64_t i = 0; i < array.size(); ++i)
        array.data[i] = static_cast<T>(random_uniform(3, Stream::test, {key, static_cast<uint64_t>(i)}) * 200);
    return array;
}

ArrayFile example() {
    ArrayFile file;
    file.arrays["gram"] = noise<double>({40, 40}, 1);
    file.arrays["large"] = noise<float>({3, 700, 300}, 2);
    file.arrays["group/deep/counts"] = noise<uint16_t>({5, 1000}, 3);
    file.arrays["group/bytes"] = noise<uint8_t>({7}, 4);
    file.arrays["whole"] =
        Array<int64_t>({2}, {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()});
    file.arrays["scalar"] = DoubleArray(Shape{}, {-0.0});
    file.arrays["special"] = FloatArray({3}, {INFINITY, -1e-45F, 0.1F});
    file.arrays["no rows"] = FloatArray({0, 3});
    file.arrays["absent"] = FloatArray{};
    file.attributes = {{"fingerprint", "abc"}, {"empty", ""}, {"text", "µ-lasso\nline"}};
    return file;
}

class ArrayFileTest : public testing::Test {
  protected:
    std::string error() {
        return input_error([&] { read_arrays(path); });
    }
    void write_bytes(const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

    TemporaryFolder folder;
    std::filesystem::path path = folder / "arrays.h5";
};

TEST_F(ArrayFileTest, ReadsBackWhatWasWritten) {
    write_arrays(path, example());
    const ArrayFile read = read_arrays(path);
    EXPECT_EQ(read.arrays, example().arrays);
    EXPECT_EQ(read.attributes, example().attributes);
    EXPECT_EQ(read.source, path);
    EXPECT_TRUE(std::signbit(read.get<double>("scalar").data[0]));
}

TEST_F(ArrayFileTest, AttributesAreReadAlone) {
    write_arrays(path, example());
    EXPECT_EQ(read_array_attributes(path), example().attributes);
    std::string bytes = read_file(path);
    bytes[bytes.size() / 2] ^= 1;  // wherever the damage is
    write_file(path, bytes);
    EXPECT_THROW(read_array_attributes(path), InputError);
}

TEST_F(ArrayFileTest, NothingIsAFileToo) {
    write_arrays(path, {});
    EXPECT_TRUE(read_arrays(path).arrays.empty());
}

TEST_F(ArrayFileTest, EqualContentsGiveEqualBytesAtAnyTime) {
    write_arrays(path, example());
    const std::string first = read_file(path);
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // HDF5's timestamps count seconds
    write_arrays(path, example());
    EXPECT_EQ(read_file(path), first);
}

TEST_F(ArrayFileTest, WhatTheDiskDoesNotTakeIsARunErrorAndNeverZeros) {
    write_arrays(path, {});
    const std::string before = read_file(path);
    for (const rlim_t size : {0, 100, 511, 512, 1000, 2048, 5000, 100'000}) {  // a whole file has some 1.2 MB
        const SmallFiles limit(size);
        EXPECT_THROW(write_arrays(path, example()), RunError) << size;
        EXPECT_EQ(read_file(path), before) << size;
    }
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path.parent_path()), {}), 1);
    write_arrays(path, example());
    EXPECT_EQ(read_arrays(path).arrays, example().arrays);
}

TEST_F(ArrayFileTest, ArraysAreWrittenAndReadOneByOne) {
    write_arrays(path, example());
    const std::string before = read_file(path);
    {
        ArrayWriter writer(path, example().attributes);
        writer.add<float>("first", FloatArray({2}, {1, 2}));
        EXPECT_EQ(read_file(path), before);  // until it has finished
    }
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path.parent_path()), {}), 1);
    ArrayWriter writer(path, example().attributes);
    for (const auto& [name, any] : example().arrays)
        std::visit([&, &key = name](const auto& array) { writer.add(key, ArrayView(array)); }, any);
    writer.finish();
    EXPECT_EQ(read_file(path), before);

    const ArrayReader reader(path);
    EXPECT_EQ(reader.attributes(), example().attributes);
    EXPECT_EQ(reader.names().size(), example().arrays.size());
    for (const auto& [name, any] : example().arrays) EXPECT_EQ(reader.any(name), any) << name;
    EXPECT_EQ(reader.get<uint16_t>("group/deep/counts"), noise<uint16_t>({5, 1000}, 3));
    EXPECT_THAT(input_error([&] { reader.get<double>("group/none"); }), HasSubstr("the array group/none is missing"));
    EXPECT_THAT(input_error([&] { reader.get<double>("group"); }), HasSubstr("group cannot be read"));
    EXPECT_THAT(input_error([&] { reader.get<float>("gram"); }), HasSubstr("gram is not float32"));
}

TEST_F(ArrayFileTest, AnImageHasTheBytesThatHdf5WritesToADisk) {
    const auto fill = [](hid_t file) {
        const std::vector<double> values(5000, 0.1);
        for (const hsize_t count : {hsize_t{7}, hsize_t{5000}}) {
            const hid_t space = H5Screate_simple(1, &count, nullptr);
            const hid_t dataset = H5Dcreate2(file, count == 7 ? "few" : "many", H5T_IEEE_F64LE, space, H5P_DEFAULT,
                                             untimed(H5P_DATASET_CREATE).get(), H5P_DEFAULT);
            H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
            H5Dclose(dataset);
            H5Sclose(space);
        }
    };
    for (const size_t user_block : {0, 512}) {
        const Hdf5Handle creation = untimed(H5P_FILE_CREATE);
        H5Pset_userblock(creation.get(), user_block);
        const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), H5P_DEFAULT);
        fill(file);
        ASSERT_GE(H5Fclose(file), 0);
        EXPECT_TRUE(hdf5_image(user_block, fill) == read_file(path)) << user_block;
    }
}

TEST_F(ArrayFileTest, LargeArraysAreCompressed) {
    ArrayFile file;
    file.arrays["zeros"] = FloatArray({1000, 1000});
    write_arrays(path, file);
    EXPECT_LT(std::filesystem::file_size(path), 20'000U);
    EXPECT_EQ(read_arrays(path).arrays, file.arrays);
}

TEST_F(ArrayFileTest, GetNamesWhatIsMissingOrOfAnotherType) {
    write_arrays(path, example());
    const ArrayFile read = read_arrays(path);
    EXPECT_EQ(read.get<uint16_t>("group/deep/counts"), noise<uint16_t>({5, 1000}, 3));
    EXPECT_THAT(input_error([&] { read.get<double>("grams"); }), HasSubstr("the array grams is missing"));
    EXPECT_THAT(input_error([&] { read.get<float>("gram"); }), HasSubstr("gram is not float32"));
    EXPECT_THAT(input_error([&] { read.get<float>("gram"); }), HasSubstr(path.string()));
}

TEST_F(ArrayFileTest, EveryDamageIsNoticed) {
    ArrayFile small;
    small.arrays["a"] = FloatArray({2}, {1, 2});
    write_arrays(path, small);
    const std::string whole = read_file(path);
    for (size_t length = 0; length < whole.size(); length += 7) {
        write_bytes(whole.substr(0, length));
        ASSERT_NE(error(), "") << length;
    }
    for (size_t place = 0; place < whole.size(); place += 3) {
        std::string bytes = whole;
        bytes[place] = static_cast<char>(bytes[place] ^ (1 << place % 8));
        write_bytes(bytes);
        ASSERT_NE(error(), "") << place;
    }
}

TEST_F(ArrayFileTest, MissingAndForeignFilesAreInputErrors) {
    EXPECT_THAT(error(), HasSubstr("there is no file"));
    write_bytes("not HDF5 at all");
    EXPECT_THAT(error(), HasSubstr("not an array file"));
    EXPECT_THAT(input_error([&] { read_arrays(path.parent_path()); }), HasSubstr("is not a file"));
}

TEST_F(ArrayFileTest, UnwritableNamesAreInputErrors) {
    for (const char* name : {"", "/a", "a/", "a//b"}) {
        ArrayFile file;
        file.arrays[name] = FloatArray({1});
        EXPECT_NE(input_error([&] { write_arrays(path, file); }), "") << name;
    }
    ArrayFile file;
    file.arrays["a"] = FloatArray(Shape(9, 1));
    EXPECT_THAT(input_error([&] { write_arrays(path, file); }), HasSubstr("more than 8 axes"));
    EXPECT_THAT(input_error([&] {
                    write_arrays(path, {{}, {{"long", std::string(70'000, 'x')}}, {}});
                }),
                HasSubstr("60000"));
    EXPECT_FALSE(std::filesystem::exists(path));
}

/// An HDF5 file made with the plain library and a right checksum: what a hostile writer would do.
class HostileArrayFile : public ArrayFileTest {
  protected:
    template <class Fill>
    std::string error_of(Fill fill) {
        const hid_t properties = H5Pcreate(H5P_FILE_CREATE);
        H5Pset_userblock(properties, 512);
        const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, properties, H5P_DEFAULT);
        fill(file);
        H5Fclose(file);
        H5Pclose(properties);
        std::string bytes = read_file(path);
        Sha256 hash;
        hash.add(bytes.data() + 512, bytes.size() - 512);
        const std::string line = "Spikelens arrays, SHA-256 of the rest: " + hash.hex() + "\n";
        write_bytes(bytes.replace(0, line.size(), line));
        return error();
    }

    static void make_dataset(hid_t file, hid_t type, std::vector<hsize_t> extents, hid_t creation) {
        const hid_t space = H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr);
        H5Dclose(H5Dcreate2(file, "a", type, space, H5P_DEFAULT, creation, H5P_DEFAULT));
        H5Sclose(space);
    }
};

TEST_F(HostileArrayFile, TypesThatAreNotOursAreRefused) {
    EXPECT_EQ(error_of([](hid_t file) { make_dataset(file, H5T_IEEE_F32LE, {3}, H5P_DEFAULT); }), "");
    EXPECT_THAT(error_of([](hid_t file) { make_dataset(file, H5T_IEEE_F32BE, {3}, H5P_DEFAULT); }),
                HasSubstr("is not float32"));
    EXPECT_THAT(error_of([](hid_t file) { make_dataset(file, H5T_STD_I32LE, {3}, H5P_DEFAULT); }),
                HasSubstr("is not float32"));
    EXPECT_THAT(error_of([](hid_t file) {
                    const hid_t type = H5Tcopy(H5T_STD_I32LE);
                    H5Tcommit2(file, "t", type, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
                    H5Tclose(type);
                }),
                HasSubstr("neither a group nor an array"));
}

TEST_F(HostileArrayFile, ExtentsAreBoundedBeforeAnythingIsAllocated) {
    const hid_t chunked = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk[] = {1024};
    H5Pset_chunk(chunked, 1, chunk);
    EXPECT_THAT(error_of([&](hid_t file) { make_dataset(file, H5T_IEEE_F32LE, {hsize_t{1} << 60}, chunked); }),
                HasSubstr("8 GiB"));
    EXPECT_THAT(error_of([&](hid_t file) { make_dataset(file, H5T_IEEE_F32LE, {hsize_t{1} << 30}, chunked); }),
                HasSubstr("file can hold"));
    EXPECT_THAT(
        error_of([&](hid_t file) { make_dataset(file, H5T_IEEE_F32LE, std::vector<hsize_t>(9, 1), H5P_DEFAULT); }),
        HasSubstr("axes"));
    EXPECT_THAT(error_of([&](hid_t file) {
                    make_dataset(file, H5T_IEEE_F32LE, {0, hsize_t{1} << 62}, H5P_DEFAULT);
                }),
                HasSubstr("8 GiB"));
    H5Pclose(chunked);
}

TEST_F(HostileArrayFile, NoOtherFileIsOpened) {
    const hid_t external = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(external, "/etc/hostname", 0, 4);
    EXPECT_THAT(error_of([&](hid_t file) { make_dataset(file, H5T_IEEE_F32LE, {1}, external); }),
                HasSubstr("outside the file"));
    EXPECT_THAT(
        error_of([](hid_t file) { H5Lcreate_external("/etc/hostname", "/x", file, "x", H5P_DEFAULT, H5P_DEFAULT); }),
        HasSubstr("link to elsewhere"));
    EXPECT_THAT(error_of([](hid_t file) { H5Lcreate_soft("/nowhere", file, "x", H5P_DEFAULT, H5P_DEFAULT); }),
                HasSubstr("link to elsewhere"));
    H5Pclose(external);
}

TEST_F(ArrayFileTest, NpyHasItsStatedForm) {
    const std::filesystem::path npy = folder / "map.npy";
    const std::vector<std::pair<Shape, std::string>> cases = {
        {{2, 3}, "(2, 3)"}, {{4}, "(4,)"}, {{}, "()"}, {{0, 5}, "(0, 5)"}};
    for (const auto& [shape, text] : cases) {
        const FloatArray array = noise<float>(shape, 9);
        write_npy(npy, array);
        const std::string bytes = read_file(npy);
        ASSERT_EQ(bytes.substr(0, 8), std::string("\x93NUMPY\x01\0", 8));
        const size_t header = 10 + static_cast<uint8_t>(bytes[8]) + 256 * static_cast<uint8_t>(bytes[9]);
        EXPECT_EQ(header % 64, 0U);
        EXPECT_THAT(bytes.substr(10, header - 10),
                    testing::StartsWith("{'descr': '<f4', 'fortran_order': False, 'shape': " + text + ", }"));
        EXPECT_EQ(bytes[header - 1], '\n');
        EXPECT_EQ(bytes.substr(header),
                  std::string(reinterpret_cast<const char*>(array.data.data()), array.data.size() * 4));
    }
}

}  // namespace
}  // namespace spikelens
