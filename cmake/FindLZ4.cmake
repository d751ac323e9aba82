# LZ4 as LZ4::LZ4. Found by hand because Debian's liblz4-dev comes without files for CMake.
include(FindPackageHandleStandardArgs)

find_path(LZ4_INCLUDE_DIR lz4frame.h)
find_library(LZ4_LIBRARY lz4)
mark_as_advanced(LZ4_INCLUDE_DIR LZ4_LIBRARY)

find_package_handle_standard_args(
    LZ4 REQUIRED_VARS LZ4_LIBRARY LZ4_INCLUDE_DIR REASON_FAILURE_MESSAGE "install liblz4-dev"
)

if(LZ4_FOUND AND NOT TARGET LZ4::LZ4)
    add_library(LZ4::LZ4 INTERFACE IMPORTED)
    target_include_directories(LZ4::LZ4 SYSTEM INTERFACE ${LZ4_INCLUDE_DIR})
    target_link_libraries(LZ4::LZ4 INTERFACE ${LZ4_LIBRARY})
endif()
