// The conformance tests of metrics, over this program's registry: they find the toy by themselves.
#include "evaluate/test_metric_conformance.cpp"
