# LibTorch as one imported target, LibTorch::LibTorch.
#
# Found by hand because TorchConfig.cmake asks for every package LibTorch itself was built with. Debian's libtorch-dev
# is found as it is; another LibTorch (a download, or the torch folder of a Python environment; with or without CUDA) is
# found through CMAKE_PREFIX_PATH. The CUDA libraries register themselves when loaded, so they are linked though nothing
# names them.
include(FindPackageHandleStandardArgs)

find_path(LibTorch_INCLUDE_DIR ATen/ATen.h)
find_library(LibTorch_CPU_LIBRARY torch_cpu)
find_library(LibTorch_C10_LIBRARY c10)
find_library(LibTorch_CUDA_LIBRARY torch_cuda)
find_library(LibTorch_C10_CUDA_LIBRARY c10_cuda)
mark_as_advanced(
    LibTorch_INCLUDE_DIR LibTorch_CPU_LIBRARY LibTorch_C10_LIBRARY LibTorch_CUDA_LIBRARY LibTorch_C10_CUDA_LIBRARY
)

find_package_handle_standard_args(
    LibTorch REQUIRED_VARS LibTorch_CPU_LIBRARY LibTorch_C10_LIBRARY LibTorch_INCLUDE_DIR
    REASON_FAILURE_MESSAGE "install libtorch-dev, or add the folder of another LibTorch to CMAKE_PREFIX_PATH"
)

if(LibTorch_FOUND AND NOT TARGET LibTorch::LibTorch)
    add_library(LibTorch::LibTorch INTERFACE IMPORTED)
    target_include_directories(
        LibTorch::LibTorch SYSTEM INTERFACE ${LibTorch_INCLUDE_DIR} ${LibTorch_INCLUDE_DIR}/torch/csrc/api/include
    )
    target_link_libraries(LibTorch::LibTorch INTERFACE ${LibTorch_CPU_LIBRARY} ${LibTorch_C10_LIBRARY})
    if(LibTorch_CUDA_LIBRARY AND LibTorch_C10_CUDA_LIBRARY)
        target_link_libraries(
            LibTorch::LibTorch
            INTERFACE LINKER:--no-as-needed ${LibTorch_CUDA_LIBRARY} LINKER:--as-needed ${LibTorch_C10_CUDA_LIBRARY}
        )
    endif()
endif()
