# libspikelens_train-<version>.so of src/train/torch: a module that spikelens::train() loads, so that nothing else waits
# the better part of a second for LibTorch.
include(CheckBlas)
find_package(LibTorch REQUIRED)
check_blas_of_libtorch()

file(GLOB sources CONFIGURE_DEPENDS src/train/torch/*.cpp)
add_library(spikelens_torch OBJECT ${sources})
target_link_libraries(spikelens_torch PUBLIC spikelens_core LibTorch::LibTorch)
target_include_directories(spikelens_torch PRIVATE ${PROJECT_SOURCE_DIR}/src)

add_library(spikelens_train MODULE)
target_link_libraries(spikelens_train PRIVATE spikelens_torch Threads::Threads)
target_link_options(spikelens_train PRIVATE LINKER:--exclude-libs,ALL)
set_target_properties(
    spikelens_train PROPERTIES OUTPUT_NAME spikelens_train-${PROJECT_VERSION}
                               LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}
                               INSTALL_RPATH_USE_LINK_PATH ON
)
