# libspikelens_gpu-<version>.so of src/gpu/cuda: a module that the engine gpu loads, so that nothing else needs CUDA or
# its driver. CUDA's runtime is part of it.
if(NOT CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80 90)  # and machine code for later ones is made from that for 90 by their driver
endif()
enable_language(CUDA)
set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)  # CMake 3.25 does not know that CUDA has it

add_library(spikelens_gpu MODULE src/gpu/cuda/cuda_device.cu)
set_target_properties(
    spikelens_gpu PROPERTIES OUTPUT_NAME spikelens_gpu-${PROJECT_VERSION} LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}
                             CUDA_RUNTIME_LIBRARY Static
)
target_include_directories(spikelens_gpu PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
target_compile_options(spikelens_gpu PRIVATE -fmad=false --expt-relaxed-constexpr)
target_link_options(spikelens_gpu PRIVATE LINKER:--exclude-libs,ALL)
