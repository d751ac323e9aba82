#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "spikelens/attribute/method.h"
#include "spikelens/core/array.h"
#include "spikelens/core/execution.h"
#include "spikelens/data/dataset.h"
#include "spikelens/evaluate/metric.h"
#include "spikelens/pipeline/stage.h"

namespace spikelens {

/// What there is to choose from: explanation methods, metrics and data sets. docs/formats.md describes the fields.

struct OptionEntry {
    std::string option;
    std::optional<std::string> standard;  ///< absent: the method chooses by itself
    std::string expected, meaning;

    static void fields(auto& self, auto& field) {
        field("option", self.option), field.nullable("default", self.standard), field("expected", self.expected);
        field("meaning", self.meaning);
    }
};

struct MethodEntry {
    MethodInfo info;
    std::string sentence;  ///< options_text(): of its own options
    std::vector<OptionEntry> options;

    static void fields(auto& self, auto& field) {
        auto& info = self.info;
        field("method", info.name), field("title", info.title), field("meaning", info.meaning),
            field("cost", info.cost);
        field("source", info.source), field("options", self.sentence), field("option_list", self.options);
        field("signed", info.signed_values), field("class_specific", info.class_specific);
        field("needs_gradient", info.needs_gradient), field("on_images", info.on_images);
        field("on_spikes", info.on_spikes), field("timed", info.timed);
        field("needs_relevant_filters", info.needs_relevant), field("needs_probes", info.needs_probe);
        field("sanity_baseline", info.sanity_baseline);
    }
};

struct MetricEntry {
    MetricInfo info;
    bool on_images = false, on_spikes = false;

    static void fields(auto& self, auto& field) {
        auto& info = self.info;
        field("metric", info.name), field("title", info.title), field("better", info.direction),
            field("range", info.range);
        field("cost", info.cost), field("source", info.source), field("on_images", self.on_images);
        field("on_spikes", self.on_spikes), field("needs_shuffled_network", info.needs_shuffled);
        field("needs_masks", info.needs_masks);
    }
};

struct MethodsResult {
    std::string command = "methods";
    std::vector<MethodEntry> methods;
    std::optional<std::vector<MetricEntry>>
        metrics;  ///< absent where one method is described; alone where one metric is
    std::optional<std::vector<std::string>> engines;  ///< what computes networks, the usual one first; absent likewise

    static void fields(auto& self, auto& field) {
        field("command", self.command), field("methods", self.methods), field("metrics", self.metrics);
        field("engines", self.engines);
    }
};

/// Every method, every metric and every engine.
MethodsResult list_methods();
/// One method as a text gives it, with the options that it takes then, or one metric by its name. Throws InputError as
/// parse_method does.
MethodsResult describe_method(const std::string& text);

struct DataListResult {
    struct Entry {
        DatasetInfo info;

        static void fields(auto& self, auto& field) {
            auto& info = self.info;
            field("name", info.name), field("title", info.title), field("licence", info.licence),
                field("where", info.where);
            field("downloadable", info.downloadable);
        }
    };
    std::string command = "data list";
    std::vector<Entry> datasets;

    static void fields(auto& self, auto& field) { field("command", self.command), field("datasets", self.datasets); }
};

DataListResult list_data();

struct DataCheckResult {
    std::string command = "data check";
    std::string data;
    int64_t train_samples = 0, test_samples = 0;
    bool recordings = false;
    Shape shape;  ///< of a sample
    std::vector<std::string> classes;
    std::map<std::string, std::string> sha256;
    PictureWords pictures;             ///< of a folder of pictures, what is not the usual
    std::vector<std::string> damaged;  ///< pictures that were left out, one sentence each

    static void fields(auto& self, auto& field) {
        field("command", self.command), field("data", self.data), field("train_samples", self.train_samples);
        field("test_samples", self.test_samples), field("shape", self.shape), field("classes", self.classes);
        field("sha256", self.sha256), field("pictures", self.pictures), field("damaged", self.damaged);
    }
};

struct DataDownloadResult {
    std::string command = "data download";
    std::string data, folder;

    static void fields(auto& self, auto& field) {
        field("command", self.command), field("data", self.data), field("folder", self.folder);
    }
};

/// download_dataset() (data/download.h), of which a stopped call keeps what came.
DataDownloadResult download_data(const std::string& name, const Execution& execution, const StageNotes& notes);

/// Reads a data set: a known name, or a folder. Throws InputError as load_dataset does.
DataCheckResult check_data(const std::string& name, const PictureWords& pictures, const Execution& execution);

}  // namespace spikelens
