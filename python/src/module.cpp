#include <nanobind/nanobind.h>

#include "spikelens/core/error.h"
#include "spikelens/core/version.h"

#include "attribute.h"
#include "network.h"

namespace spikelens::python {
namespace {

/// The library's errors under the names that Python users see.
void bind_errors(nb::module_& module) {
    nb::exception<InputError>(module, "InputError", PyExc_ValueError).attr("__module__") = "spikelens";
    nb::exception<RunError>(module, "RunError", PyExc_RuntimeError).attr("__module__") = "spikelens";
    nb::object input = module.attr("InputError"), run = module.attr("RunError");
    input.attr("__doc__") = "Something given cannot be used. The sentence says what, where, and what was expected.";
    run.attr("__doc__") = "The world failed: a file that cannot be written, too little memory.";
}

}  // namespace

NB_MODULE(_core, module) {
    module.doc() = "The C++ library. `import spikelens` is the door to it.";
    nb::set_leak_warnings(false);  // users need not hear of what other libraries keep until the end
    bind_errors(module);
    bind_settings(module);
    bind_network(module);
    bind_simulate(module);
    bind_attribute(module);
    bind_evidence(module);
    bind_evaluate(module);
    bind_interpret(module);
    bind_files(module);
}

}  // namespace spikelens::python
