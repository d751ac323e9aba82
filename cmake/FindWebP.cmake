# libwebp as WebP::WebP. Found by hand because Debian's libwebp-dev comes without files for CMake.
include(FindPackageHandleStandardArgs)

find_path(WebP_INCLUDE_DIR webp/decode.h)
find_library(WebP_LIBRARY webp)
mark_as_advanced(WebP_INCLUDE_DIR WebP_LIBRARY)

find_package_handle_standard_args(
    WebP REQUIRED_VARS WebP_LIBRARY WebP_INCLUDE_DIR REASON_FAILURE_MESSAGE "install libwebp-dev"
)

if(WebP_FOUND AND NOT TARGET WebP::WebP)
    add_library(WebP::WebP INTERFACE IMPORTED)
    target_include_directories(WebP::WebP SYSTEM INTERFACE ${WebP_INCLUDE_DIR})
    target_link_libraries(WebP::WebP INTERFACE ${WebP_LIBRARY})
endif()
