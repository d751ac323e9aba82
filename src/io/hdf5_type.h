#pragma once

#include <cstdint>

#include <hdf5.h>

namespace spikelens {

/// Types of AnyArray in memory and, little-endian, in the file.
template <class T>
struct Hdf5Type;
template <>
struct Hdf5Type<float> {
    static hid_t memory() { return H5T_NATIVE_FLOAT; }
    static hid_t file() { return H5T_IEEE_F32LE; }
    static constexpr const char* kName = "float32";
};
template <>
struct Hdf5Type<double> {
    static hid_t memory() { return H5T_NATIVE_DOUBLE; }
    static hid_t file() { return H5T_IEEE_F64LE; }
    static constexpr const char* kName = "float64";
};
template <>
struct Hdf5Type<int64_t> {
    static hid_t memory() { return H5T_NATIVE_INT64; }
    static hid_t file() { return H5T_STD_I64LE; }
    static constexpr const char* kName = "int64";
};
template <>
struct Hdf5Type<uint8_t> {
    static hid_t memory() { return H5T_NATIVE_UINT8; }
    static hid_t file() { return H5T_STD_U8LE; }
    static constexpr const char* kName = "uint8";
};
template <>
struct Hdf5Type<uint16_t> {
    static hid_t memory() { return H5T_NATIVE_UINT16; }
    static hid_t file() { return H5T_STD_U16LE; }
    static constexpr const char* kName = "uint16";
};

}  // namespace spikelens
