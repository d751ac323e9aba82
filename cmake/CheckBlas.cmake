# Fails when the LibTorch found computes with the reference BLAS, which is some 50 times slower than OpenBLAS: which
# libblas.so.3 a Debian machine has is an alternative that anyone may have switched.
function(check_blas_of_libtorch)
    find_program(LDD ldd)
    if(NOT LDD)
        return()
    endif()
    execute_process(COMMAND ${LDD} ${LibTorch_CPU_LIBRARY} OUTPUT_VARIABLE needed ERROR_QUIET)
    if(NOT needed MATCHES "libblas\\.so\\.3 => ([^ ]+)")
        return()
    endif()
    file(REAL_PATH ${CMAKE_MATCH_1} blas)
    if(blas MATCHES "/([^/]+)/blas/libblas\\.so")
        set(triplet ${CMAKE_MATCH_1})
        message(
            FATAL_ERROR
            "LibTorch would compute with the slow reference BLAS (${blas}): run "
            "'apt-get install libopenblas0-pthread' and 'update-alternatives --set libblas.so.3-${triplet} "
            "/usr/lib/${triplet}/openblas-pthread/libblas.so.3' as root, or './run setup'."
        )
    endif()
    message(STATUS "BLAS of LibTorch: ${blas}")
endfunction()
