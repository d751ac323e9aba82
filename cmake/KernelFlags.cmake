# src/kernels/*_avx2.cpp, *_avx512.cpp and *_amx.cpp are compiled for their instruction set, everything else for the
# plain machine; which of them runs is chosen at run time. No -mfma: a contraction would change bits.
set(avx2_flags -mavx2 -mbmi -mbmi2)
set(avx512_flags -mavx512f -mavx512bw -mavx512dq -mavx512vl ${avx2_flags} -mprefer-vector-width=512)
set(amx_flags -mamx-tile -mamx-int8 ${avx512_flags})

# GCC's -O2 vectorises only loops whose length it knows; those over neurons, pixels and counts are long.
file(GLOB kernel_sources CONFIGURE_DEPENDS src/kernels/*.cpp)
set(vectorised_sources ${kernel_sources} src/interpret/responses.cpp src/snn/changed_pixels.cpp
                       src/snn/layer_adjoint.cpp src/snn/lif.cpp src/snn/record.cpp
                       src/snn/repeated_windows.cpp src/snn/spike_maps.cpp)
set_source_files_properties(${vectorised_sources} PROPERTIES COMPILE_OPTIONS "$<$<NOT:$<CONFIG:Debug>>:-O3>")
# Their functions that give registers back are called from each file alone.
set_property(SOURCE src/snn/layer_adjoint.cpp src/snn/repeated_windows.cpp APPEND PROPERTY COMPILE_OPTIONS -Wno-psabi)

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    foreach(instructions avx2 avx512 amx)
        file(GLOB sources CONFIGURE_DEPENDS src/kernels/*_${instructions}.cpp)
        set_property(SOURCE ${sources} APPEND PROPERTY COMPILE_OPTIONS ${${instructions}_flags})
    endforeach()
endif()
