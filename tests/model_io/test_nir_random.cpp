#include <array>
#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"
#include "spikelens/snn/simulate.h"

#include "model_io/nir_import.h"
#include "nir_chain.h"
#include "nir_reference.h"

namespace spikelens {
namespace {

using nir_reference::Signal;

constexpr double dt = 1.0 / 1024;  // a power of two, as everything below: all arithmetic is exact
constexpr int steps = 4;

/// Draws graphs of every kind of node that a network can be made of, with shapes that fit.
class RandomGraph {
  public:
    explicit RandomGraph(uint64_t round)
        : round_(round),
          rows_(between(0, 4) > 0),
          shape_(start()),
          chain_(rows_ ? shape_ : Shape{shape_[0], shape_[2]}) {
        before_weights();
        const int convolutions = between(0, 2), full = between(1, 2);
        for (int i = 0; i < convolutions; ++i) convolution();
        if (convolutions == 0 && !rows_) convolution();
        add("Flatten", {{"start_dim", NirChain::scalar(0)}, {"end_dim", NirChain::scalar(-1)}});
        shape_ = {element_count(shape_)};
        for (int i = 0; i < full; ++i) fully_connected(i + 1 == full);
    }
    NirValues values() { return chain_.values(); }

  private:
    /// Values of a parameter: the same everywhere, for each channel, or for each neuron.
    enum class Vary { no, by_channel, by_neuron };

    Shape start() {
        const int channels = between(1, 2), height = rows_ ? between(6, 9) : 1;
        return {channels, height, between(6, 9)};
    }
    int between(int low, int high) {
        return low +
               static_cast<int>(random_bits(round_, Stream::test, {drawn_++}) % static_cast<uint64_t>(high - low + 1));
    }
    std::string add(const std::string& type, const NirChain::Parameters& parameters) {
        const std::string name = std::to_string(count_++) + type;
        chain_.add(name, type, parameters);
        return last_ = name;
    }
    NirValue eighths(Shape shape) {
        std::vector<double> numbers(element_count(shape));
        for (double& number : numbers) number = between(-8, 8) / 8.0;
        return nir_numbers(NirType::float32, std::move(shape), std::move(numbers));
    }
    /// The signal's shape as nodes have it.
    Shape axes() const { return shape_.size() == 3 && !rows_ ? Shape{shape_[0], shape_[2]} : shape_; }
    /// Powers of two, in one of the forms that files have.
    NirValue power(Vary vary, int low, int high, double unit = 1) {
        if (vary == Vary::no && between(0, 1) == 0) return NirChain::scalar(std::ldexp(unit, between(low, high)));
        NirValue value = NirChain::all(axes(), std::ldexp(unit, between(low, high)));
        const auto elements = static_cast<int64_t>(value.numbers.size()), each = elements / shape_[0];
        for (int64_t i = 0; i < elements && vary != Vary::no; ++i)
            value.numbers[i] =
                vary == Vary::by_neuron || i % each == 0 ? std::ldexp(unit, between(low, high)) : value.numbers[i - 1];
        return value;
    }
    NirValue sides(int rows, int columns) {
        return rows_ ? NirChain::whole({rows, columns}) : NirChain::scalar(columns);
    }

    void pool() {
        const int rows = between(1, 2), columns = between(1, 2), by_rows = between(1, 2), by_columns = between(1, 2);
        if (!rows_ || shape_[1] < 4 || shape_[2] < 4) return;
        add(between(0, 1) ? "SumPool2d" : "AvgPool2d",
            {{"kernel_size", sides(rows, columns)}, {"stride", sides(by_rows, by_columns)}, {"padding", sides(0, 0)}});
        shape_ = {shape_[0], (shape_[1] - rows) / by_rows + 1, (shape_[2] - columns) / by_columns + 1};
    }
    void scale(Vary vary = Vary::by_channel) { add("Scale", {{"scale", power(vary, -1, 1)}}); }

    void before_weights() {
        if (between(0, 3) == 0) pool();
        if (between(0, 3) == 0) scale();
        if (between(0, 3) == 0) pool();
    }

    /// Whether its size stays, so that it can meet what it reads.
    void weights(bool keeps_size) {
        const int rows = rows_ ? between(1, 3) : 1, columns = between(1, 3), dilation = between(1, 2);
        const int outputs = keeps_size ? static_cast<int>(shape_[0]) : between(1, 2) * 2;
        const int groups = shape_[0] % 2 == 0 && outputs % 2 == 0 ? between(1, 2) : 1;
        int down = (rows - 1) * dilation / 2, across = (columns - 1) * dilation / 2;
        int by_rows = rows_ ? between(1, 2) : 1, by_columns = between(1, 2);
        const bool same = (rows - 1) * dilation % 2 == 0 && (columns - 1) * dilation % 2 == 0;
        if (keeps_size && !same) return weights(true);
        if (keeps_size) by_rows = by_columns = 1;
        const bool padded = keeps_size || (between(0, 1) && last_.find("Pool") == std::string::npos &&
                                           last_.find("Scale") == std::string::npos);
        if (!padded) down = across = 0;
        const int reach_rows = (rows - 1) * dilation + 1, reach_columns = (columns - 1) * dilation + 1;
        if (shape_[1] + 2 * down < reach_rows || shape_[2] + 2 * across < reach_columns) return weights(keeps_size);
        Shape kernel = {outputs, shape_[0] / groups, rows, columns};
        if (!rows_) kernel.erase(kernel.begin() + 2);
        add(rows_ ? "Conv2d" : "Conv1d",
            {{"weight", eighths(kernel)},
             {"bias", eighths({outputs})},
             {"stride", sides(by_rows, by_columns)},
             {"padding", keeps_size && between(0, 1) ? nir_text("same") : sides(down, across)},
             {"dilation", sides(dilation, dilation)},
             {"groups", NirChain::scalar(groups)}});
        shape_ = {outputs, (shape_[1] + 2 * down - reach_rows) / by_rows + 1,
                  (shape_[2] + 2 * across - reach_columns) / by_columns + 1};
    }

    void convolution() {
        weights(false);
        if (between(0, 3) == 0) return currents_in_between();
        if (between(0, 2) == 0) scale();
        neuron(between(0, 2) == 0 ? "conv" : "");
        if (between(0, 1) == 0) pool();
        if (between(0, 1) == 0) residual();
        before_weights();
    }

    void currents_in_between() {
        pool();
        if (between(0, 1) == 0) pool();
        neuron("", false);
        if (between(0, 1) == 0) residual();
    }

    /// What is here, and what a convolution (and a neuron) make of it, meet in a neuron, a pool, or the next weights.
    void residual() {
        const std::string from = last_;
        weights(true);
        const int kind = between(0, 3);
        if (kind == 0) neuron("");
        if (kind == 1) {
            const std::string one = last_;
            chain_.go_to(from);
            weights(true);
            chain_.go_to(one);
            meet(last_);
            return;
        }
        meet(from);
    }
    void meet(std::string other) {  // a copy: the name of the last node changes
        neuron("", false);
        chain_.edge(other, last_);
    }

    void fully_connected(bool last) {
        const int outputs = between(1, 4);
        const NirValue weight = eighths({outputs, shape_[0]}), bias = eighths({outputs});
        shape_ = {outputs};
        if (between(0, 1) == 0)
            add("Affine", {{"weight", weight}, {"bias", bias}});
        else
            add("Linear", {{"weight", weight}});
        if (between(0, 3) == 0) scale();
        const int end = last ? between(0, 3) : 2;
        const Vary vary = between(0, 1) ? Vary::by_channel : Vary::no;
        if (end == 1)
            add("LI", {{"tau", power(Vary::no, 1, 2, dt)}, {"r", power(vary, 0, 1)}, {"v_leak", power(vary, 0, 1)}});
        if (end == 2) neuron(between(0, 2) == 0 ? "full" : "");
        if (end == 3) add("I", {{"r", power(vary, -1, 1, 1 / dt)}});
    }

    void neuron(const std::string& recurrence, bool after_weights = true) {
        const Vary vary = static_cast<Vary>(between(0, 2));
        const NirValue leak = after_weights && vary != Vary::by_neuron ? power(vary, -2, -1) : NirChain::scalar(0);
        const int kind = between(0, 3);
        std::string name;
        if (kind == 0) name = add("Threshold", {{"threshold", power(vary, -1, 1)}});
        if (kind == 1) name = add("IF", {{"r", power(vary, -1, 1, 1 / dt)}, {"v_threshold", power(vary, -1, 1)}});
        if (kind == 2)
            name = add("LIF", {{"tau", power(vary, 0, 2, dt)},
                               {"r", power(vary, -1, 1)},
                               {"v_leak", leak},
                               {"v_threshold", power(vary, -1, 1)},
                               {"v_reset", power(vary, -3, -2)}});
        if (kind == 3)
            name = add("CubaLIF", {{"tau_mem", power(vary, 1, 2, dt)},
                                   {"tau_syn", power(vary, 1, 2, dt)},
                                   {"r", power(vary, 0, 1)},
                                   {"w_in", power(vary, 0, 1)},
                                   {"v_leak", NirChain::scalar(0)},
                                   {"v_threshold", power(vary, -1, 1)},
                                   {"v_reset", NirChain::scalar(0)}});
        if (!recurrence.empty()) recur(name, recurrence == "full");
    }

    void recur(const std::string& neuron, bool flat) {
        const int kind = between(0, 3);
        const int64_t channels = shape_[0];
        if (kind == 0) {
            add("Scale", {{"scale", power(Vary::by_channel, -2, 0)}});
        } else if (flat) {
            NirChain::Parameters parameters = {{"weight", eighths({channels, channels})}};
            if (kind == 1) parameters.emplace_back("bias", eighths({channels}));
            add(kind == 1 ? "Affine" : "Linear", parameters);
        } else if (rows_) {
            const int kernel = 1 + 2 * between(0, 1);
            add("Conv2d", {{"weight", eighths({channels, channels, kernel, kernel})},
                           {"bias", kind == 1 ? eighths({channels}) : NirChain::all({channels}, 0)},
                           {"stride", NirChain::scalar(1)},
                           {"padding", NirChain::scalar(kernel / 2)},
                           {"dilation", NirChain::scalar(1)},
                           {"groups", NirChain::scalar(1)}});
        } else {
            return;
        }
        chain_.edge(last_, neuron).go_to(neuron);
        last_ = neuron;
    }

    uint64_t round_, drawn_ = 0;
    int count_ = 0;
    bool rows_;  ///< the signal has rows and columns; else one axis
    Shape shape_;
    NirChain chain_;
    std::string last_;
};

/// What a network gives for spikes: its scores times T, exact for T a power of two.
std::vector<double> simulated(const Network& network, const Array<uint8_t>& input) {
    std::vector<double> scores;
    for (const float score : Simulator(network).run_spikes(input).scores.data) scores.push_back(double{score} * steps);
    return scores;
}

TEST(NirRandom, NetworksDoWhatTheirGraphsDo) {
    int spikes = 0, readouts = 0, recurrent = 0, joined = 0, varying = 0, one_row = 0;
    NirOptions options;
    options.dialect = "exact";
    options.dt = dt;
    options.steps = steps;
    for (uint64_t round = 0; round < 600; ++round) {
        const NirValues values = RandomGraph(round).values();
        const NirGraph nir = build_nir_graph(values, "f");
        const std::vector<NirStep> order = nir_order(nir, "f");
        const Network network = import_nir_values(values, options, "f " + std::to_string(round)).network;
        nir_reference::Graph graph(order, dt);
        // Spikes are counted and currents added up; what integrates itself has its last potential.
        const std::string last = order[order.size() - 2].node->type;
        const bool potential = last == "LI" || last == "I";
        Array<uint8_t> input({1, steps, network.channels, network.height, network.width});
        std::vector<double> expected(network.class_count(), 0.0);
        for (uint64_t t = 0; t < steps; ++t) {
            Signal signal{network.input_shape(), std::vector<double>(element_count(network.input_shape()))};
            if (order.front().node->values.at("shape").numbers.size() == 2)
                signal.shape.erase(signal.shape.begin() + 1);
            for (size_t i = 0; i < signal.values.size(); ++i) {
                input.data[t * signal.values.size() + i] = random_bits(round, Stream::test, {99, t, i}) % 3;
                signal.values[i] = input.data[t * signal.values.size() + i];
            }
            const std::vector<double> step = graph.step(signal).values;
            for (size_t i = 0; i < expected.size(); ++i) expected[i] = step[i] + (potential ? 0.0 : expected[i]);
        }
        ASSERT_EQ(simulated(network, input), expected) << round << " " << network_text(network);
        for (const double value : expected) spikes += value != 0;
        readouts += !network.layers.back().neuron;
        one_row += network.height == 1;
        for (const Layer& layer : network.layers) {
            recurrent += layer.recurrence.kind != RecurrenceKind::none;
            joined += layer.inputs.size() > 1;
            varying += !layer.values.empty();
        }
    }
    EXPECT_GT(spikes, 800);
    EXPECT_GT(readouts, 100);
    EXPECT_GT(recurrent, 100);
    EXPECT_GT(joined, 100);
    EXPECT_GT(varying, 200);
    EXPECT_GT(one_row, 60);
}

/// One or more values changed: a number, a shape, a name in an edge, a type; or one gone.
void mutate(NirValues& values, uint64_t round) {
    const auto draw = [&](uint64_t which, uint64_t below) {
        return random_bits(round, Stream::test, {1234, which}) % below;
    };
    const double odd[] = {0, -1, 1e300, std::nan(""), 0.5, 3, 1e9, 1e-30};
    for (uint64_t i = 0; i < 1 + draw(0, 3); ++i) {
        auto at = std::next(values.begin(), static_cast<int64_t>(draw(10 * i + 1, values.size())));
        NirValue& value = at->second;
        const uint64_t kind = draw(10 * i + 2, 6);
        if (kind == 0)
            values.erase(at);
        else if (!value.numbers.empty() && kind < 3)
            value.numbers[draw(10 * i + 3, value.numbers.size())] = odd[draw(10 * i + 4, 8)];
        else if (!value.numbers.empty() && kind == 3)
            value.shape.assign(draw(10 * i + 3, 4), static_cast<int64_t>(draw(10 * i + 4, 4)));
        else if (!value.numbers.empty())
            value = NirChain::scalar(odd[draw(10 * i + 3, 8)]);
        else if (value.texts.size() > 1)
            value.texts[draw(10 * i + 3, value.texts.size())] = value.texts[draw(10 * i + 4, value.texts.size())];
        else
            value = nir_text(std::array{"LIF", "Linear", "Scale", "Conv2d", "SumPool2d", "Flatten", "Output",
                                        "I"}[draw(10 * i + 3, 8)]);
        // The reader of files gives as many numbers as a shape has.
        for (auto& [path, each] : values)
            if (each.type != NirType::text) each.numbers.resize(element_count(each.shape), 1.0);
    }
}

TEST(NirRandom, ChangedGraphsAreRefusedOrValid) {
    int refused = 0, read = 0;
    NirOptions options;
    options.dialect = "exact";
    options.dt = dt;
    for (uint64_t round = 0; round < 3000; ++round) {
        NirValues values = RandomGraph(round % 100).values();
        mutate(values, round);
        try {
            check_network(import_nir_values(values, options, "changed").network, "changed");
            ++read;
        } catch (const InputError&) {
            ++refused;
        }
    }
    EXPECT_GT(refused, 1000);
    EXPECT_GT(read, 200);
}

}  // namespace
}  // namespace spikelens
