// This program's registry of engines, in place of the library's: the toy's list comes first.
// clang-format off
#include "engines.h"
#include "snn/engine.cpp"
// clang-format on
