#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model_io/nir_import.h"
#include "nir_chain.h"
#include "support/errors.h"

namespace spikelens {
namespace {

using testing::Contains;
using testing::HasSubstr;

constexpr double tau = 0.003, tau_syn = 0.002, r = 1.5, w_in = 1.25;

NirChain::Parameters parameters_of(const std::string& type) {
    if (type == "IF") return {{"r", NirChain::scalar(r)}, {"v_threshold", NirChain::scalar(0.7)}};
    if (type == "LIF")
        return {{"tau", NirChain::scalar(tau)},
                {"r", NirChain::scalar(r)},
                {"v_leak", NirChain::scalar(0)},
                {"v_threshold", NirChain::scalar(0.7)}};
    return {{"tau_mem", NirChain::scalar(tau)}, {"tau_syn", NirChain::scalar(tau_syn)},
            {"r", NirChain::scalar(r)},         {"w_in", NirChain::scalar(w_in)},
            {"v_leak", NirChain::scalar(0)},    {"v_threshold", NirChain::scalar(0.7)}};
}

NirChain one_neuron(const std::string& type, const std::string& name = "n") {
    return NirChain({2}).add("a", "Linear", {{"weight", NirChain::ramp({2, 2})}}).add(name, type, parameters_of(type));
}

ImportedNetwork import(NirChain chain, const std::string& dialect, std::optional<double> dt = std::nullopt,
                       std::optional<Reset> reset = std::nullopt) {
    NirOptions options;
    options.dialect = dialect;
    options.dt = dt;
    options.reset = reset;
    return import_nir_values(chain.values(), options, "f.nir");
}

Neuron neuron_of(const std::string& dialect, const std::string& type, std::optional<double> dt = 1e-3) {
    return *import(one_neuron(type), dialect, dt).network.layers[0].neuron;
}

/// How every dialect steps, by its library's own equations (docs/formats/nir.md), for one input of 1 at t = 0 and
/// threshold out of reach: the membrane after the first and the second step.
struct Steps {
    double first, second;
};

Steps steps(const Neuron& n) {
    double current = 0, v = 0;
    Steps found{};
    for (int t = 0; t < 2; ++t) {
        const double input = t == 0 ? double{n.gain} * (n.decay_input ? 1 - double{n.beta} : 1) : 0;
        current = double{n.alpha} * current + input;
        v = double{n.beta} * v + current;
        (t == 0 ? found.first : found.second) = v;
    }
    return found;
}

void expect_steps(const std::string& dialect, const std::string& type, Steps expected) {
    const Steps found = steps(neuron_of(dialect, type));
    EXPECT_NEAR(found.first, expected.first, 1e-6 * std::abs(expected.first)) << dialect << " " << type;
    EXPECT_NEAR(found.second, expected.second, 1e-6 * std::abs(expected.second)) << dialect << " " << type;
}

TEST(NirDialect, ClosedFormsOfLif) {
    constexpr double dt = 1e-3;
    // v += dt/τ · ((0 − v) + r·i): NIR itself, Norse's lif_box, and SpikingJelly with its own tau = τ/dt.
    const double v1 = dt / tau * r;
    for (const char* dialect : {"exact", "norse", "spikingjelly", "snntorch"})
        expect_steps(dialect, "LIF", {v1, v1 + dt / tau * -v1});
    // Sinabs: v = α·v + (1 − α)·i, α = exp(−1/τ in steps).
    const double a = std::exp(-dt / tau);
    expect_steps("sinabs", "LIF", {(1 - a) * r, a * (1 - a) * r});
    // Rockpool: v = α·v + i, and r = τ·exp(−dt/τ)/dt for an i of weight 1.
    const double own_r = tau * std::exp(-dt / tau) / dt;
    expect_steps("rockpool", "LIF", {r / own_r, a * r / own_r});
}

TEST(NirDialect, ClosedFormsOfIf) {
    expect_steps("exact", "IF", {1e-3 * r, 1e-3 * r});
    expect_steps("spikingjelly", "IF", {1e-3 * r, 1e-3 * r});
    for (const char* dialect : {"norse", "sinabs", "snntorch"}) expect_steps(dialect, "IF", {r, r});
}

TEST(NirDialect, ClosedFormsOfCubaLif) {
    constexpr double dt = 1e-3;
    const double b = 1 - dt / tau, a = 1 - dt / tau_syn;
    // i += dt/τs · (w·s − i); v += dt/τm · (r·i − v)
    const double i1 = dt / tau_syn * w_in, v1 = dt / tau * r * i1;
    for (const char* dialect : {"exact", "snntorch"})
        expect_steps(dialect, "CubaLIF", {v1, b * v1 + dt / tau * r * a * i1});
    // Norse's LIFCell: i_jump = i + s; v += dt/τm · (i_jump − v); i = i_jump · (1 − dt/τs)
    const double n1 = dt / tau * r * w_in;
    expect_steps("norse", "CubaLIF", {n1, b * n1 + dt / tau * r * w_in * a});
    // Rockpool's LIFTorch: i = β(i + s); v = αv + i
    const double alpha = std::exp(-dt / tau), beta = std::exp(-dt / tau_syn), own_r = tau * alpha / dt;
    const double k1 = beta * w_in * r / own_r;
    expect_steps("rockpool", "CubaLIF", {k1, alpha * k1 + beta * k1});
}

TEST(NirDialect, ComparisonsAndResets) {
    const auto spiking = [](const std::string& dialect) {
        const Neuron n = neuron_of(dialect, "LIF");
        return std::tuple(n.at_threshold, n.reset, n.delay);
    };
    EXPECT_EQ(spiking("exact"), std::tuple(false, Reset::zero, false));
    EXPECT_EQ(spiking("snntorch"), std::tuple(false, Reset::subtract, true));
    EXPECT_EQ(spiking("spikingjelly"), std::tuple(true, Reset::zero, false));
    EXPECT_EQ(spiking("norse"), std::tuple(false, Reset::zero, false));
    EXPECT_EQ(spiking("sinabs"), std::tuple(true, Reset::subtract, false));
    EXPECT_EQ(spiking("rockpool"), std::tuple(true, Reset::subtract, false));
    const Neuron forced = *import(one_neuron("LIF"), "sinabs", 1e-3, Reset::zero).network.layers[0].neuron;
    EXPECT_EQ(forced.reset, Reset::zero);
    const Neuron none = *import(one_neuron("LIF"), "snntorch", 1e-3, Reset::none).network.layers[0].neuron;
    EXPECT_EQ(std::tuple(none.reset, none.delay), std::tuple(Reset::none, false));
}

TEST(NirDialect, TheLeakVoltageIsABias) {
    NirChain chain = one_neuron("LIF");
    chain.set("n", "v_leak", NirChain::scalar(0.25));
    for (const char* dialect : {"exact", "sinabs"}) {
        const Layer layer = import(chain, dialect, 1e-3).network.layers[0];
        ASSERT_TRUE(layer.has_bias) << dialect;
        const double factor =
            double{layer.neuron->gain} * (layer.neuron->decay_input ? 1 - double{layer.neuron->beta} : 1);
        // Without input the membrane settles at v_leak.
        double v = 0;
        for (int t = 0; t < 200; ++t) v = double{layer.neuron->beta} * v + factor * double{layer.bias.data[1]};
        EXPECT_NEAR(v, 0.25, 1e-6) << dialect;
    }
    NirChain cuba = one_neuron("CubaLIF");
    cuba.set("n", "v_leak", NirChain::scalar(0.25));
    EXPECT_THAT(input_error([&] { import(cuba, "exact"); }), HasSubstr("the node 'n' (CubaLIF) has a 'v_leak'"));
}

/// Norse's membranes start at v_leak, SpikingJelly's at v_reset: counted from there, they start at 0.
TEST(NirDialect, MembranesThatStartAtRestAreCountedFromThere) {
    const NirValue rest = NirChain::scalar(0.25);
    NirChain chain = one_neuron("LIF");
    chain.set("n", "v_leak", rest).set("n", "v_reset", rest);
    for (const char* dialect : {"norse", "spikingjelly"}) {
        const Layer layer = import(chain, dialect, 1e-3).network.layers[0];
        EXPECT_FALSE(layer.has_bias);
        EXPECT_EQ(layer.neuron->threshold, static_cast<float>(0.7 - 0.25)) << dialect;
        EXPECT_EQ(layer.neuron->v_reset, 0.0F) << dialect;
    }
    NirChain cuba = one_neuron("CubaLIF");
    cuba.set("n", "v_leak", rest);
    const Neuron neuron = *import(cuba, "norse").network.layers[0].neuron;
    EXPECT_EQ(std::pair(neuron.threshold, neuron.v_reset), std::pair(static_cast<float>(0.7 - 0.25), -0.25F));
    NirChain high = one_neuron("LIF");
    high.set("n", "v_leak", NirChain::scalar(0.75));
    EXPECT_THAT(input_error([&] { import(high, "norse", 1e-3); }), HasSubstr("not above the voltage at rest"));
}

/// Norse 1.1 writes dt·τ in place of τ.
TEST(NirDialect, TimesShorterThanAStepOfNorseAreItsProducts) {
    NirChain chain = one_neuron("LIF");
    chain.set("n", "tau", NirChain::scalar(1e-3 * tau));
    EXPECT_FLOAT_EQ(import(chain, "norse").network.layers[0].neuron->beta, static_cast<float>(1 - 1e-3 / tau));
    EXPECT_THAT(input_error([&] { import(chain, "exact", 1e-3); }), HasSubstr("shorter than one step"));
    chain.set("n", "tau", NirChain::scalar(1e-7));
    EXPECT_THAT(input_error([&] { import(chain, "norse"); }), HasSubstr("shorter than one step"));
}

/// snnTorch computes tau = dt/(1 − β) in float32; from 0.5 on no other β gives the same.
TEST(NirDialect, DecaysOfSnnTorchComeBackToTheBit) {
    const auto beta_of = [](float beta) {
        NirChain chain = one_neuron("LIF");
        const float written = 1e-4F / (1.0F - beta), resistance = written / 1e-4F;
        chain.set("n", "tau", nir_numbers(NirType::float32, {}, {written}))
            .set("n", "r", nir_numbers(NirType::float32, {}, {resistance}));
        const Neuron neuron = *import(chain, "auto").network.layers[0].neuron;
        EXPECT_EQ(neuron.gain, 1.0F) << beta;
        return neuron.beta;
    };
    for (int i = 0; i < 2000; ++i) {
        const float beta = 0.5F + 0.49F * static_cast<float>(i) / 2000 + 0.001F / static_cast<float>(i + 1);
        ASSERT_EQ(beta_of(beta), beta) << i;
    }
    for (const float beta : {0.0F, 0.1F, 0.3F, 0.25F, 0.45F}) EXPECT_EQ(beta_of(beta), beta);
    EXPECT_EQ(beta_of(1.25F), 1.0F);  // as snnTorch runs it
}

TEST(NirDialect, WhatALibraryDoesNotWriteIsNamed) {
    for (const auto& [dialect, type] : {std::pair{"rockpool", "IF"}, {"sinabs", "CubaLIF"}})
        EXPECT_THAT(input_error([&, d = dialect, t = type] { import(one_neuron(t), d); }),
                    HasSubstr("is no neuron that"))
            << dialect;
    EXPECT_THAT(input_error([] { import(one_neuron("LIF"), "brian"); }), HasSubstr("no NIR dialect 'brian'"));
    for (const double dt : {0.0, -1.0, std::nan(""), HUGE_VAL})
        EXPECT_THAT(input_error([&] { import(one_neuron("LIF"), "exact", dt); }), HasSubstr("expected a time above 0"));
    EXPECT_THAT(input_error([] { import(one_neuron("LIF"), "exact", 0.01); }), HasSubstr("shorter than one step"));
    NirChain chain = one_neuron("LIF");
    EXPECT_THAT(input_error([&] { import(chain.set("n", "tau", NirChain::scalar(0)), "exact"); }),
                HasSubstr("tau = 0"));
    NirChain reset = one_neuron("LIF");
    EXPECT_THAT(input_error([&] { import(reset.set("n", "v_reset", NirChain::scalar(0.1)), "sinabs"); }),
                HasSubstr("v_reset"));
}

/// The neuron that "auto" concludes, and whether it says whose file it takes it for.
void expect_auto(const NirChain& chain, const std::string& library, const Neuron& expected) {
    const ImportedNetwork imported = import(chain, "auto");
    EXPECT_EQ(*imported.network.layers[0].neuron, expected) << library;
    EXPECT_THAT(imported.assumptions, Contains(HasSubstr(library)));
    EXPECT_THAT(imported.assumptions, Contains(HasSubstr("One step was taken to be dt = ")));
    EXPECT_THAT(imported.assumptions, Contains(HasSubstr("Neurons fire when U ")));
}

TEST(NirDialect, AutoSeesSinabs) {
    NirChain chain = one_neuron("IF");
    chain.set("n", "r", NirChain::all({2}, 1));
    const Neuron expected{.beta = 1, .threshold = 0.7F, .at_threshold = true};
    expect_auto(chain, "Sinabs", expected);
    NirChain leaky = one_neuron("LIF");
    leaky.set("n", "r", NirChain::scalar(1)).set("n", "tau", NirChain::scalar(20));
    expect_auto(leaky, "Sinabs",
                {.beta = static_cast<float>(std::exp(-1.0 / 20)),
                 .threshold = 0.7F,
                 .at_threshold = true,
                 .decay_input = true});
}

TEST(NirDialect, AutoSeesRockpoolByItsNames) {
    const double own_tau = 0.02, own_dt = 5e-4;
    NirChain chain = one_neuron("LIF", "1_LIFTorch");
    chain.set("1_LIFTorch", "tau", NirChain::scalar(own_tau));
    chain.set("1_LIFTorch", "r", NirChain::scalar(own_tau * std::exp(-own_dt / own_tau) / own_dt));
    const ImportedNetwork imported = import(chain, "auto");
    const Neuron neuron = *imported.network.layers[0].neuron;
    EXPECT_NEAR(neuron.beta, std::exp(-own_dt / own_tau), 1e-7);  // dt comes out of r
    EXPECT_NEAR(neuron.gain, 1, 1e-6);
    EXPECT_TRUE(neuron.at_threshold);
    EXPECT_THAT(imported.assumptions, Contains(HasSubstr("Rockpool")));
    EXPECT_THAT(imported.assumptions, Contains(HasSubstr("dt = 0.0005 s")));
}

TEST(NirDialect, AutoSeesSnnTorch) {
    NirChain chain = one_neuron("CubaLIF");
    chain.set("n", "tau_mem", NirChain::all({2}, 1e-4 / (1 - 0.9))).set("n", "r", NirChain::all({2}, 1 / (1 - 0.9)));
    chain.set("n", "tau_syn", NirChain::all({2}, 1e-4 / (1 - 0.75)))
        .set("n", "w_in", NirChain::all({2}, 1 / (1 - 0.75)));
    expect_auto(chain, "snnTorch", {.beta = 0.9F, .threshold = 0.7F, .delay = true, .gain = 1, .alpha = 0.75F});
    NirChain leaky = one_neuron("LIF");
    leaky.set("n", "tau", NirChain::scalar(1e-4 / (1 - 0.9))).set("n", "r", NirChain::scalar(1 / (1 - 0.9)));
    expect_auto(leaky, "snnTorch", {.beta = 0.9F, .threshold = 0.7F, .delay = true});
}

TEST(NirDialect, AutoSeesSpikingJellyAndNorse) {
    NirChain chain = one_neuron("IF");
    chain.set("n", "r", NirChain::all({2}, 1e4)).set("n", "v_reset", NirChain::all({2}, -0.5));
    expect_auto(chain, "SpikingJelly", {.beta = 1, .threshold = 1.2F, .reset = Reset::zero, .at_threshold = true});
    NirChain norse = one_neuron("IF");
    norse.set("n", "r", NirChain::all({2}, 1)).set("n", "v_reset", NirChain::all({2}, -0.5));
    expect_auto(norse, "Norse", {.beta = 1, .threshold = 1.2F, .reset = Reset::zero});
}

TEST(NirDialect, AutoFallsBackToNirItself) {
    NirChain chain = one_neuron("LIF");
    expect_auto(chain, "does not show which library",
                {.beta = static_cast<float>(1 - 1e-4 / tau),
                 .threshold = 0.7F,
                 .reset = Reset::zero,
                 .gain = static_cast<float>(1e-4 / tau * r)});
}

}  // namespace
}  // namespace spikelens
