#pragma once

#include <memory>
#include <string>
#include <vector>

#include <nanobind/nanobind.h>

#include "spikelens/attribute/method.h"
#include "spikelens/attribute/probe.h"

#include "arrays.h"
#include "network.h"

namespace spikelens::python {

/// What methods may need beside the network; either may be absent.
struct Knowledge {
    std::shared_ptr<const RelevantFilters> relevant;
    std::shared_ptr<const Probe> probe;
};

/// For an engine, with what is known of its network.
AttributionContext context_of(const Engine& engine, const Knowledge& knowledge, uint64_t seed);

/// Throws InputError unless these are classes of the network, one for each sample.
void check_targets(const Network& network, const std::vector<int>& targets, int64_t samples);

void bind_attribute(nb::module_& module);
void bind_evidence(nb::module_& module);
void bind_evaluate(nb::module_& module);
void bind_interpret(nb::module_& module);
void bind_files(nb::module_& module);

}  // namespace spikelens::python
