// The conformance tests of engines, over this program's registry: they find the toy by themselves.
#include "snn/test_engine.cpp"
