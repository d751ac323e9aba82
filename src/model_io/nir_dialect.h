#pragma once

#include <set>
#include <string>
#include <vector>

#include "spikelens/model_io/import.h"

#include "nir_order.h"

namespace spikelens {

enum class NirDialect { exact, snntorch, spikingjelly, norse, sinabs, rockpool };

/// How the neurons of one file become steps: docs/formats/nir.md has the table and where it was read.
struct NirRules {
    NirDialect dialect = NirDialect::exact;
    double dt = 1e-4;
    Reset reset = Reset::zero;
    bool delay = false;
    bool at_threshold = false;
    std::set<std::string> subtract;  ///< nodes that reset by subtraction whatever `reset` says: our own files name them
    std::set<std::string> varying;   ///< "neuron1.beta=*", a value for each channel, or =**, for each neuron; likewise
    std::set<std::string>
        without_bias;  ///< nodes whose bias NIR demands and our network does not have; from our own files
    bool own = false;  ///< written by export_nir
    std::vector<std::string> assumptions;  ///< why these rules
};

/// The rules of a file. Throws InputError for an unknown dialect and a dt that is not above 0.
NirRules choose_rules(const NirGraph& graph, const std::vector<NirStep>& steps, const NirOptions& options,
                      const std::string& where);

/// A neuron's time constants and how much current reaches the membrane for r = w_in = 1.
struct NirTimeConstants {
    double tau_mem = 0;   ///< not of IF
    double tau_syn = 0;   ///< of CubaLIF and CubaLI
    bool single = false;  ///< kept as float32
};
struct NirDynamics {
    double beta = 1;
    double alpha = 0;
    double gain = 1;
    bool decay_input = false;
};

/// The closed form of a dialect for a node of type I, IF, LIF, LI, CubaLIF or CubaLI. Throws InputError that names the
/// node when the dialect has no such neuron or dt is too long for a time constant.
NirDynamics nir_dynamics(const NirRules& rules, const NirNode& node, const NirTimeConstants& constants,
                         const std::string& where);

const char* dialect_name(NirDialect dialect);

}  // namespace spikelens
