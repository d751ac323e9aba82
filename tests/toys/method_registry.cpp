// This program's registry of methods, in place of the library's. The toy's line in the list is all that it takes.
#include "attribute/registry.cpp"
#include "methods.h"
