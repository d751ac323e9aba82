#include <array>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/snn/network.h"
#include "spikelens/snn/neuron.h"

namespace spikelens {
namespace {

using ::testing::HasSubstr;

/// A neuron whose field has another value than the default.
Neuron with_other(const NeuronField& field) {
    struct Change {
        Neuron& neuron;
        void operator()(float Neuron::*member) const { neuron.*member += neuron.*member > 0.5F ? -0.25F : 0.25F; }
        void operator()(bool Neuron::*member) const { neuron.*member = !(neuron.*member); }
        void operator()(Reset Neuron::*member) const { neuron.*member = Reset::none; }
    };
    Neuron neuron;
    std::visit(Change{neuron}, field.member);
    return neuron;
}

std::string error_of(const Neuron& neuron, const NeuronValues& values = {}) {
    try {
        check_neuron(neuron, "net: layer conv1", values);
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

TEST(Neuron, TheTableHasEveryFieldOnce) {
    Neuron neuron;
    auto& [a, b, c, d, e, f, g, h, i, j, k] = neuron;  // does not compile for another number of fields
    const std::array<const void*, 11> places = {&a, &b, &c, &d, &e, &f, &g, &h, &i, &j, &k};
    ASSERT_EQ(neuron_fields().size(), places.size());
    for (size_t field = 0; field < places.size(); ++field)
        std::visit([&](auto member) { EXPECT_EQ(&(neuron.*member), places[field]); }, neuron_fields()[field].member);
}

TEST(Neuron, EveryFieldReadsBackFromTheNetworkText) {
    for (const NeuronField& field : neuron_fields()) {
        Neuron neuron = with_other(field);
        if (field.name == "v_reset") neuron.reset = Reset::zero;
        if (field.name == "rho") neuron.adapt = 0.5F;
        ASSERT_FALSE(neuron == Neuron{}) << field.name;
        const std::string text = "4C3-" + neuron_text(neuron) + "-2F";
        EXPECT_THAT(text, HasSubstr(field.word));
        EXPECT_EQ(parse_network(text, {1, 5, 5}, 1).layers[0].neuron, neuron) << text;
    }
}

TEST(Neuron, ErrorsNameTheFieldItsValueAndItsRange) {
    Neuron neuron;
    EXPECT_EQ(error_of(neuron), "");
    neuron.beta = 1.5F;
    EXPECT_EQ(error_of(neuron), "net: layer conv1 has beta = 1.5, expected 0..1");
    neuron = {};
    neuron.alpha = 1;
    EXPECT_EQ(error_of(neuron), "net: layer conv1 has alpha = 1, expected 0 to below 1");
    neuron = {};
    neuron.threshold = 0;
    EXPECT_EQ(error_of(neuron), "net: layer conv1 has threshold = 0, expected above 0");
    for (const NeuronField& field : neuron_fields())
        if (const auto* member = std::get_if<float Neuron::*>(&field.member)) {
            neuron = {};
            neuron.** member = std::numeric_limits<float>::quiet_NaN();
            EXPECT_THAT(error_of(neuron), HasSubstr(std::string(field.name) + " = nan")) << field.name;
        }
    EXPECT_THROW(parse_reset("zeros"), InputError);
    EXPECT_EQ(set_neuron_option(neuron, "delay=2"), "'delay' takes no value, or 0 or 1");
}

TEST(Neuron, WhatWouldDoNothingIsRefused) {
    EXPECT_EQ(error_of({.rho = 0.5F}), "net: layer conv1 has rho without adapt: no spike raises its threshold");
    EXPECT_EQ(error_of({.adapt = 0.5F, .rho = 0.5F}), "");
    EXPECT_EQ(error_of({.adapt = 0.5F}), "");
    EXPECT_THAT(error_of({.v_reset = 1}), HasSubstr("has v_reset without reset=zero"));
    EXPECT_EQ(error_of({.reset = Reset::zero, .v_reset = 1}), "");
    EXPECT_THAT(error_of({.reset = Reset::none, .delay = true}), HasSubstr("has delay with reset=none"));
    EXPECT_EQ(error_of({.adapt = -0.5F}), "net: layer conv1 has adapt = -0.5, expected 0 and above");
    EXPECT_EQ(error_of({.adapt = 0.5F, .rho = 1}), "net: layer conv1 has rho = 1, expected 0 to below 1");
    const NeuronValues rises{{"adapt", FloatArray({2}, 0.5F)}}, stays{{"rho", FloatArray({2}, 0.5F)}};
    EXPECT_EQ(error_of({.rho = 0.5F}, rises), "");
    EXPECT_THAT(error_of({}, stays), HasSubstr("has rho without adapt"));
}

TEST(Neuron, HintsAreWhatOthersMean) {
    Neuron neuron;
    const auto fault = [&](std::string_view option) { return set_neuron_option(neuron, option).value_or(""); };
    EXPECT_EQ(fault("at_threshold"), "unknown neuron option 'at_threshold'; did you mean 'ge'?");
    EXPECT_THAT(fault("decay=0.9"), HasSubstr("did you mean beta, the leak per step, or decay_input?"));
    EXPECT_THAT(fault("tau=2"), HasSubstr("beta"));
    EXPECT_THAT(fault("theta=1"), HasSubstr("did you mean threshold?"));
    EXPECT_THAT(fault("treshold=1"), HasSubstr("did you mean 'threshold'?"));
    EXPECT_THAT(fault("zzz"), HasSubstr("known are beta, threshold"));
}

TEST(Neuron, WordsSayWhatIsNotUsual) {
    EXPECT_EQ(neuron_words(Neuron{}), "LIF β 0.95, θ 1, fires at U > θ, reset by subtraction");
    const Neuron neuron{.beta = 1,
                        .threshold = 2.5F,
                        .reset = Reset::zero,
                        .delay = true,
                        .at_threshold = true,
                        .decay_input = true,
                        .gain = 0.5F,
                        .v_reset = -1,
                        .alpha = 0.75F,
                        .adapt = 0.25F,
                        .rho = 0.5F};
    EXPECT_EQ(
        neuron_words(neuron),
        "IF β 1, θ 2.5, fires at U ≥ θ, reset to -1, one step later, current kept by α 0.75, input scaled by 1 − β, "
        "gain 0.5, threshold raised by 0.25 at a spike, of which 0.5 stays per step");
}

/// A field as docs/formats/model.md describes it.
std::string documented(const NeuronField& field) {
    struct Type {
        std::string_view range;
        std::string operator()(float Neuron::*) const { return std::string(range); }
        std::string operator()(bool Neuron::*) const { return "true or false"; }
        std::string operator()(Reset Neuron::*) const { return "`\"subtract\"`, `\"zero\"` or `\"none\"`"; }
    };
    return "| `" + std::string(field.name) + "` | " + std::visit(Type{field.range}, field.member) + " | " +
           std::string(field.meaning) + (field.optional ? "; left out where 0" : "") + " |\n";
}

std::string file_text(const std::string& name) {
    std::ifstream file(SPIKELENS_SOURCE_DIR "/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Neuron, TheReadmeAndTheHeaderListEveryOption) {
    const std::string readme = file_text("README.md"), header = file_text("include/spikelens/snn/network.h");
    const std::string options = header.substr(header.find("///   LIF, IF"), 300);
    for (const NeuronField& field : neuron_fields()) {
        EXPECT_THAT(readme, HasSubstr("`" + std::string(field.word))) << "README.md, what a neuron does";
        EXPECT_THAT(options, HasSubstr(field.word)) << "snn/network.h, the network text";
    }
}

TEST(Neuron, TheModelFormatDocumentsEveryField) {
    const std::string text = file_text("docs/formats/model.md");
    std::string table = "| field of a neuron | type | meaning |\n|---|---|---|\n";
    for (const NeuronField& field : neuron_fields()) table += documented(field);
    EXPECT_THAT(text, HasSubstr(table));
}

}  // namespace
}  // namespace spikelens
