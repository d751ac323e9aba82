# spikelens_library(core FOLDERS core snn …): the library spikelens_core of src/core/*.cpp, src/snn/*.cpp, …, known to
# this build and to those who find_package(spikelens) as spikelens::core.
function(spikelens_library name)
    cmake_parse_arguments(PARSE_ARGV 1 library "" "" FOLDERS)
    set(sources "")
    foreach(folder IN LISTS library_FOLDERS)
        file(GLOB_RECURSE found CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${folder}/*.cpp)
        list(APPEND sources ${found})
    endforeach()
    list(FILTER sources EXCLUDE REGEX "/src/(train/torch|pipeline/mpi)/")  # TrainingLibrary.cmake, MpiLibrary.cmake
    add_library(spikelens_${name} STATIC ${sources})
    add_library(spikelens::${name} ALIAS spikelens_${name})
    set_target_properties(spikelens_${name} PROPERTIES EXPORT_NAME ${name} SPIKELENS_FOLDERS "${library_FOLDERS}")
    target_compile_features(spikelens_${name} PUBLIC cxx_std_20)
    target_include_directories(
        spikelens_${name}
        PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/generated>
               $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
        PRIVATE ${PROJECT_SOURCE_DIR}/src
    )
endfunction()

configure_file(${PROJECT_SOURCE_DIR}/cmake/version.h.in ${PROJECT_BINARY_DIR}/generated/spikelens/core/version.h @ONLY)
