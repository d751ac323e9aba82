// This program's registry of methods, in place of the library's: the toy's list, in which its line is all that it
// takes, comes first.
// clang-format off
#include "methods.h"
#include "attribute/registry.cpp"
// clang-format on
