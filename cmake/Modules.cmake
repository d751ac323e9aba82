# Libraries that the core loads while it runs: libspikelens_train (TrainingLibrary.cmake) and libspikelens_gpu
# (GpuLibrary.cmake). Programs look for them where they were built, or in lib/spikelens where installed.
set(CMAKE_BUILD_RPATH ${PROJECT_BINARY_DIR})
target_link_options(
    spikelens_core INTERFACE
    $<INSTALL_INTERFACE:LINKER:-rpath,$<INSTALL_PREFIX>/${CMAKE_INSTALL_LIBDIR}/spikelens>
)

# SPIKELENS_TRAIN_STAMP, SPIKELENS_GPU_STAMP: digests of all headers that the core shares with a library that it loads.
# Both are compiled with it, so that a program refuses the library of another build instead of reading structs of
# another layout.
function(spikelens_stamp name)
    cmake_parse_arguments(PARSE_ARGV 1 stamp "" "" "HEADERS;SOURCES")
    file(GLOB headers CONFIGURE_DEPENDS ${stamp_HEADERS})
    set(stamp "${PROJECT_VERSION} ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION} ${CMAKE_CXX_FLAGS}")
    foreach(header IN LISTS headers)
        file(SHA256 ${header} digest)
        string(APPEND stamp ${digest})
    endforeach()
    string(SHA256 stamp "${stamp}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${headers})
    set_source_files_properties(
        ${stamp_SOURCES} PROPERTIES COMPILE_DEFINITIONS "SPIKELENS_${name}_STAMP=\"${stamp}\""
    )
endfunction()

spikelens_stamp(
    TRAIN
    HEADERS include/spikelens/core/*.h include/spikelens/snn/*.h include/spikelens/train/*.h src/train/trainer.h
    SOURCES src/train/train.cpp src/train/torch/trainer.cpp
)
spikelens_stamp(
    GPU
    HEADERS src/gpu/*.h src/gpu/cuda/*.h src/kernels/neuron_step.h
    SOURCES src/gpu/cuda_library.cpp src/gpu/cuda/cuda_device.cu
)
