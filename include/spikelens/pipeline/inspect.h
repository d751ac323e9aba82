#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "spikelens/core/execution.h"
#include "spikelens/pipeline/made_run.h"
#include "spikelens/pipeline/run.h"

namespace spikelens {

struct InspectOptions {
    int64_t samples = 500;  ///< test samples for spike rates; 0: none
    bool speed = false;     ///< time the simulation of them
};

struct PoolSummary {
    std::string kind;
    int size = 0, stride = 0;
    std::vector<int> output;                          ///< [channels, height, width]
    std::optional<int> size_columns, stride_columns;  ///< along a row, where they differ
    std::optional<int> padding, padding_columns;      ///< where it is not 0; along a row, where it differs
    std::optional<bool> ceil;                         ///< where windows beyond the map count

    static void fields(auto& self, auto& field) {
        field("kind", self.kind), field("size", self.size), field("stride", self.stride), field("output", self.output);
        field("size_columns", self.size_columns), field("stride_columns", self.stride_columns);
        field("padding", self.padding), field("padding_columns", self.padding_columns), field("ceil", self.ceil);
    }
};

struct LayerSummary {
    std::string layer, kind;
    std::vector<int> input, output;  ///< [channels, height, width]; `output` before pooling
    int64_t parameters = 0;
    std::string neuron;
    int64_t receptive_field = 0;
    std::optional<int> kernel, stride, padding, dilation,
        groups;  ///< of a convolution; the last two where they are not 1
    std::optional<int> kernel_columns, stride_columns, padding_columns,
        dilation_columns;  ///< along a row, where they differ
    std::optional<std::string> recurrence;
    std::optional<std::vector<std::string>> inputs;  ///< where they are not the layer before
    std::optional<PoolSummary> pool;
    std::optional<double> spikes_per_neuron_and_step;  ///< of a layer that spikes, where samples were simulated
    std::optional<int64_t> dead_filters;               ///< the same: filters without a spike on any sample

    static void fields(auto& self, auto& field) {
        field("layer", self.layer), field("kind", self.kind), field("input", self.input), field("output", self.output);
        field("parameters", self.parameters), field("neuron", self.neuron),
            field("receptive_field", self.receptive_field);
        field("kernel", self.kernel), field("stride", self.stride), field("padding", self.padding);
        field("dilation", self.dilation), field("groups", self.groups), field("kernel_columns", self.kernel_columns);
        field("stride_columns", self.stride_columns), field("padding_columns", self.padding_columns);
        field("dilation_columns", self.dilation_columns), field("recurrence", self.recurrence),
            field("inputs", self.inputs);
        field("pool", self.pool), field("spikes_per_neuron_and_step", self.spikes_per_neuron_and_step);
        field("dead_filters", self.dead_filters);
    }
};

/// docs/formats.md describes the fields.
struct InspectResult {
    std::string command = "inspect";
    std::string model, fingerprint;
    NetworkSummary network;
    std::vector<std::string> classes, kernels;
    std::optional<int64_t> activity_samples;
    std::optional<double> images_per_second;  ///< the best of three passes
    std::vector<LayerSummary> layers;

    static void fields(auto& self, auto& field) {
        field("command", self.command), field("model", self.model), field("fingerprint", self.fingerprint);
        field("network", self.network), field("classes", self.classes), field("kernels", self.kernels);
        field("activity_samples", self.activity_samples), field("images_per_second", self.images_per_second);
        field("layers", self.layers);
    }
};

/// What a run's network is made of, and how it spikes on the first test samples. Throws InputError for a negative
/// number of samples, and for data that are not the run's.
InspectResult inspect_run(const Run& run, const InspectOptions& options, const Execution& execution);
/// The same of a model file, which has no samples. Throws InputError for a file that is none.
InspectResult inspect_model(const std::filesystem::path& file, const Execution& execution);

/// docs/formats.md describes the fields.
struct ExportResult {
    std::string command = "export";
    std::string model, out, fingerprint;
    NetworkSummary network;

    static void fields(auto& self, auto& field) {
        field("command", self.command), field("model", self.model), field("out", self.out);
        field("fingerprint", self.fingerprint), field("network", self.network);
    }
};

/// Writes the network of a run (a folder) or of a model file as a NIR graph (`out` ends in .nir) or a model file
/// (.safetensors). Throws InputError for another ending, a file that may not be written (pipeline/output.h), and a
/// network that NIR has no words for.
ExportResult export_model(const std::filesystem::path& model, const std::filesystem::path& out);

}  // namespace spikelens
