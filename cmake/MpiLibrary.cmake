# libspikelens_mpi-<version>.so of src/pipeline/mpi: a module that a process loads that mpirun or srun started beside
# others. Nothing else is linked with MPI, and without MPI nothing else is missing.
set(MPI_CXX_SKIP_MPICXX ON)
find_package(MPI COMPONENTS CXX)
if(NOT MPI_CXX_FOUND)
    message(STATUS "No MPI: mpirun and srun cannot share interpret and evaluate among processes; --shard and merge can")
    return()
endif()

add_library(spikelens_mpi MODULE src/pipeline/mpi/module.cpp)
target_link_libraries(spikelens_mpi PRIVATE MPI::MPI_CXX)
target_include_directories(spikelens_mpi PRIVATE src include ${PROJECT_BINARY_DIR}/generated)
set_target_properties(
    spikelens_mpi PROPERTIES OUTPUT_NAME spikelens_mpi-${PROJECT_VERSION} LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}
)
set(CMAKE_BUILD_RPATH ${PROJECT_BINARY_DIR})
