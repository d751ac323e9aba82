# libzip as LibZip::LibZip. Found by hand because Debian's libzip-config.cmake fails without libzip's command line
# tools.
include(FindPackageHandleStandardArgs)

find_path(LibZip_INCLUDE_DIR zip.h)
find_library(LibZip_LIBRARY zip)
mark_as_advanced(LibZip_INCLUDE_DIR LibZip_LIBRARY)

find_package_handle_standard_args(
    LibZip REQUIRED_VARS LibZip_LIBRARY LibZip_INCLUDE_DIR REASON_FAILURE_MESSAGE "install libzip-dev"
)

if(LibZip_FOUND AND NOT TARGET LibZip::LibZip)
    add_library(LibZip::LibZip INTERFACE IMPORTED)
    target_include_directories(LibZip::LibZip SYSTEM INTERFACE ${LibZip_INCLUDE_DIR})
    target_link_libraries(LibZip::LibZip INTERFACE ${LibZip_LIBRARY})
endif()
