# install(): headers, libraries, the program, and a package that find_package(spikelens COMPONENTS core files pipeline
# report) finds.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/spikelens)

if(SPIKELENS_CORE_ONLY)
    set(components core)
else()
    set(components core files pipeline report)
    install(TARGETS spikelens RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

if(SPIKELENS_TRAIN)
    install(TARGETS spikelens_train LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/spikelens)
endif()
if(TARGET spikelens_mpi)
    install(TARGETS spikelens_mpi LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/spikelens)
endif()

if(SPIKELENS_CUDA)
    install(TARGETS spikelens_gpu LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/spikelens)
endif()

# One export per component: who asks for the core alone needs none of the libraries of the others. Its public headers
# are those of its folders.
foreach(component IN LISTS components)
    install(
        TARGETS spikelens_${component}
        EXPORT spikelens-${component}-targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    )
    install(EXPORT spikelens-${component}-targets NAMESPACE spikelens:: DESTINATION ${package_dir})
    get_target_property(folders spikelens_${component} SPIKELENS_FOLDERS)
    foreach(folder IN LISTS folders)
        if(IS_DIRECTORY ${PROJECT_SOURCE_DIR}/include/spikelens/${folder})
            install(DIRECTORY include/spikelens/${folder} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/spikelens)
        endif()
    endforeach()
endforeach()
install(DIRECTORY ${PROJECT_BINARY_DIR}/generated/spikelens DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

configure_package_config_file(
    cmake/spikelens-config.cmake.in ${PROJECT_BINARY_DIR}/spikelens-config.cmake INSTALL_DESTINATION ${package_dir}
)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/spikelens-config-version.cmake COMPATIBILITY SameMinorVersion)
install(
    FILES ${PROJECT_BINARY_DIR}/spikelens-config.cmake ${PROJECT_BINARY_DIR}/spikelens-config-version.cmake
          cmake/FindLibZip.cmake cmake/FindLZ4.cmake cmake/FindWebP.cmake cmake/FindZstd.cmake
    DESTINATION ${package_dir}
)
