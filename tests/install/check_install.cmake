# Installs the build into a fresh prefix and builds and runs a program that only knows find_package(spikelens).
set(place ${BUILD}/install_check)
file(REMOVE_RECURSE ${place})
file(MAKE_DIRECTORY ${place})

function(must)
    execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${place} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

must(${CMAKE_COMMAND} --install ${BUILD} --config ${CONFIG} --prefix ${place}/prefix)
must(
    ${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR}/consumer -B ${place}/build -G ${GENERATOR}
    -D CMAKE_BUILD_TYPE=${CONFIG} -D CMAKE_CXX_COMPILER=${CXX} "-DCMAKE_CXX_FLAGS=${FLAGS}"
    "-DCMAKE_PREFIX_PATH=${place}/prefix\\;${PREFIX_PATH}" -D CORE_ONLY=${CORE_ONLY} -D WANTED_VERSION=${VERSION}
)
must(${CMAKE_COMMAND} --build ${place}/build --config ${CONFIG})
if(TRAIN)
    must(${place}/build/core_consumer trains)
    file(REMOVE_RECURSE ${place}/prefix/lib/spikelens)
endif()
must(${place}/build/core_consumer)
if(NOT CORE_ONLY)
    must(${place}/build/files_consumer)
    must(${place}/prefix/bin/spikelens --help)
endif()
