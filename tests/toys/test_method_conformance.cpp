// The conformance tests of methods, over this program's registry: they find the toy by themselves.
#include "attribute/test_conformance.cpp"
