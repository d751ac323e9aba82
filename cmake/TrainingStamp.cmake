# SPIKELENS_TRAIN_STAMP: a digest of all headers that the core and the training library share. Both are compiled with it, so
# that a program refuses the training library of another build instead of reading structs of another layout.
file(GLOB headers CONFIGURE_DEPENDS include/spikelens/core/*.h include/spikelens/snn/*.h include/spikelens/train/*.h src/train/trainer.h)
set(stamp "${PROJECT_VERSION} ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION} ${CMAKE_CXX_FLAGS}")
foreach(header IN LISTS headers)
    file(SHA256 ${header} digest)
    string(APPEND stamp ${digest})
endforeach()
string(SHA256 stamp "${stamp}")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${headers})
set_source_files_properties(
    src/train/train.cpp src/train/torch/trainer.cpp PROPERTIES COMPILE_DEFINITIONS "SPIKELENS_TRAIN_STAMP=\"${stamp}\""
)
