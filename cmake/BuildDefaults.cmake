# What every target of this project is compiled with.

if(PROJECT_IS_TOP_LEVEL)
    if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
        set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, Debug, RelWithDebInfo" FORCE)
    endif()
    find_program(CCACHE ccache)
    if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
        set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
    endif()
    set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
    option(CMAKE_COMPILE_WARNING_AS_ERROR "Warnings are errors" ON)
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:-Wall;-Wextra;-Wpedantic;-Wshadow>")

# Same bits everywhere: no fused multiply-adds the source does not ask for, and never -ffast-math. The other two let the
# compiler vectorise loops; they change no value.
add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:-ffp-contract=off;-fno-trapping-math;-fno-math-errno>")

# Programs load the libraries they use, and no others.
add_link_options(LINKER:--as-needed)
