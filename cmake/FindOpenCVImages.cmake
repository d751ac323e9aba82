# The three OpenCV modules that read, resize and write pictures, as OpenCV::Images.
#
# Found by hand because Debian keeps OpenCVConfig.cmake in libopencv-dev, which brings all of OpenCV and its viewers.
include(FindPackageHandleStandardArgs)

find_path(OpenCVImages_INCLUDE_DIR opencv2/imgcodecs.hpp PATH_SUFFIXES opencv4)
foreach(module core imgproc imgcodecs)
    find_library(OpenCVImages_${module}_LIBRARY opencv_${module})
    mark_as_advanced(OpenCVImages_${module}_LIBRARY)
endforeach()
mark_as_advanced(OpenCVImages_INCLUDE_DIR)

find_package_handle_standard_args(
    OpenCVImages
    REQUIRED_VARS OpenCVImages_imgcodecs_LIBRARY OpenCVImages_imgproc_LIBRARY OpenCVImages_core_LIBRARY
                  OpenCVImages_INCLUDE_DIR
    REASON_FAILURE_MESSAGE "install libopencv-imgcodecs-dev and libopencv-imgproc-dev"
)

if(OpenCVImages_FOUND AND NOT TARGET OpenCV::Images)
    add_library(OpenCV::Images INTERFACE IMPORTED)
    target_include_directories(OpenCV::Images SYSTEM INTERFACE ${OpenCVImages_INCLUDE_DIR})
    target_link_libraries(
        OpenCV::Images INTERFACE ${OpenCVImages_imgcodecs_LIBRARY} ${OpenCVImages_imgproc_LIBRARY}
                                 ${OpenCVImages_core_LIBRARY}
    )
endif()
