# Zstandard as Zstd::Zstd. Found by hand because its file for CMake names its targets for shared or static linking only.
include(FindPackageHandleStandardArgs)

find_path(Zstd_INCLUDE_DIR zstd.h)
find_library(Zstd_LIBRARY zstd)
mark_as_advanced(Zstd_INCLUDE_DIR Zstd_LIBRARY)

find_package_handle_standard_args(
    Zstd REQUIRED_VARS Zstd_LIBRARY Zstd_INCLUDE_DIR REASON_FAILURE_MESSAGE "install libzstd-dev"
)

if(Zstd_FOUND AND NOT TARGET Zstd::Zstd)
    add_library(Zstd::Zstd INTERFACE IMPORTED)
    target_include_directories(Zstd::Zstd SYSTEM INTERFACE ${Zstd_INCLUDE_DIR})
    target_link_libraries(Zstd::Zstd INTERFACE ${Zstd_LIBRARY})
endif()
