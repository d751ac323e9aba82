#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "spikelens/evaluate/accuracy.h"
#include "spikelens/evaluate/statistics.h"
#include "spikelens/io/json_fields.h"
#include "spikelens/pipeline/run_lock.h"
#include "spikelens/snn/network.h"
#include "spikelens/train/outcome.h"

namespace spikelens {

/// A 95 % interval, [low, high] in a document; null where there is none (not a number).
struct Interval {
    double low = std::numeric_limits<double>::quiet_NaN(), high = std::numeric_limits<double>::quiet_NaN();

    Interval() = default;
    Interval(double from, double to) : low(from), high(to) {}
    explicit Interval(const Estimate& estimate) : low(estimate.low), high(estimate.high) {}

    bool known() const { return std::isfinite(low) && std::isfinite(high); }
    bool holds(double value) const { return low <= value && value <= high; }
    nlohmann::json document() const;
    static Interval read(const JsonField& field);
};

struct NetworkSummary {
    std::string text;
    std::vector<int64_t> input;  ///< [C, H, W]
    int steps = 0;
    int64_t parameters = 0;

    NetworkSummary() = default;
    explicit NetworkSummary(const Network& network);

    static void fields(auto& self, auto& field) {
        field("text", self.text), field("input", self.input), field("steps", self.steps);
        field("parameters", self.parameters);
    }
};

/// How many samples of a set are right. Its fields bear the set's name: "test_accuracy".
struct AccuracySummary {
    double accuracy = 0;
    Interval ci95;
    int64_t samples = 0;
    int64_t undecided = 0;  ///< no class is predicted, counted as wrong
    int64_t silent = 0;     ///< inputs without a spike, black images

    AccuracySummary() = default;
    explicit AccuracySummary(const Accuracy& measured);

    static void fields(auto& self, auto& field, const std::string& set) {
        field((set + "_accuracy").c_str(), self.accuracy), field((set + "_accuracy_ci95").c_str(), self.ci95);
        field((set + "_samples").c_str(), self.samples), field((set + "_undecided").c_str(), self.undecided);
        field((set + "_silent").c_str(), self.silent);
    }
};

struct EpochSummary {
    int epoch = 0;
    double loss = 0, accuracy = 0, seconds = 0;
    bool diverged = false;
    std::optional<double> test_accuracy;  ///< where the best epoch is looked for

    static void fields(auto& self, auto& field) {
        field("epoch", self.epoch), field("loss", self.loss), field("accuracy", self.accuracy);
        field("seconds", self.seconds), field("diverged", self.diverged), field("test_accuracy", self.test_accuracy);
    }
};

/// How much of the training samples reaches the network's answer.
struct Activity {
    std::optional<std::vector<LayerRate>> spike_rates;  ///< on the first 1000; absent where train.json has none
    std::vector<std::string> silent_layers;
    double largest_class_share = 0;
    bool at_chance = false;  ///< no more are right than by always answering the most frequent class

    static void fields(auto& self, auto& field) {
        field("spike_rates", self.spike_rates), field("silent_layers", self.silent_layers);
        field("largest_class_share", self.largest_class_share), field("at_chance", self.at_chance);
    }
};

/// What `train` and `import` tell of a run that they made.
struct MadeRun {
    std::string run;
    std::string data;
    std::vector<std::string> classes;
    uint64_t seed = 1;
    nlohmann::json options;
    std::vector<EpochSummary> epochs;  ///< none of what was trained elsewhere
    AccuracySummary test, train;
    std::vector<std::vector<int64_t>> confusion;  ///< test set, [true][predicted], without undecided samples
    std::vector<int64_t> confusion_undecided;     ///< undecided samples per true class
    nlohmann::json identity;
    std::optional<Activity> activity;  ///< absent where train.json has none

    static void fields(auto& self, auto& field) {
        field("run", self.run), field("data", self.data), field("classes", self.classes), field("seed", self.seed);
        field("options", self.options), field("epochs", self.epochs);
        AccuracySummary::fields(self.test, field, "test");
        AccuracySummary::fields(self.train, field, "train");
        field("confusion", self.confusion), field("confusion_undecided", self.confusion_undecided);
        field("identity", self.identity), field.group("silent_layers", self.activity);
    }

    /// What plain numbers would hide, one sentence each: a layer is silent, the network knows nothing of the data.
    std::vector<std::string> warnings() const;
};

/// How the caller of a stage locks the run that the stage writes into, just before its first file. Empty: RunLock,
/// without waiting.
using LockRun = std::function<std::shared_ptr<const RunLock>(const std::filesystem::path&)>;

}  // namespace spikelens
