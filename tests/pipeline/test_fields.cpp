#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/pipeline/codings.h"
#include "spikelens/pipeline/evaluate.h"
#include "spikelens/pipeline/explain.h"
#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/import.h"
#include "spikelens/pipeline/interpret.h"
#include "spikelens/pipeline/train.h"

namespace spikelens {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

/// Fills every field with contents that no default has, drawn by a seed: what a field table forgets shows.
class Filler {
  public:
    explicit Filler(uint64_t seed) : seed_(seed) {}

    template <class T>
    void operator()(const char*, T& value) {
        fill(value);
    }
    template <class T>
    void nullable(const char*, std::optional<T>& value) {
        fill(value);
    }
    template <class T>
    void group(const char*, std::optional<T>& part) {
        if (next() % 2 == 0) T::fields(part.emplace(), *this);
    }

  private:
    uint64_t next() { return seed_ = seed_ * 6364136223846793005u + 1442695040888963407u, seed_ >> 20; }

    template <class T>
    void fill(T& value) {
        if constexpr (Record<T>) {
            T::fields(value, *this);
        } else if constexpr (is_optional<T>) {
            if (next() % 2 == 0) fill(value.emplace());
        } else if constexpr (is_list<T>) {
            value.resize(next() % 4);
            for (auto& one : value) fill(one);
        } else if constexpr (is_map<T>) {
            for (uint64_t i = next() % 4; i > 0; --i) fill(value[word()]);
        } else if constexpr (std::same_as<T, bool>) {
            value = next() % 2 == 0;
        } else if constexpr (std::integral<T>) {
            value = static_cast<T>(next());
        } else if constexpr (std::floating_point<T>) {
            value = next() % 5 == 0 ? std::numeric_limits<T>::quiet_NaN() : std::ldexp(static_cast<T>(next()), -30);
        } else if constexpr (std::same_as<T, std::string>) {
            value = word();
        } else if constexpr (std::same_as<T, json>) {
            value = json{{word(), next()}};
        } else if constexpr (std::same_as<T, Interval>) {
            if (next() % 3 > 0) value.low = 0.25, value.high = std::ldexp(double(next()), -40);
        } else {
            static_assert(std::same_as<T, LayerCounts>);
            value.mu = 0.5;
            fill(value.filters);
            for (auto& [layer, count] : value.filters) count &= 0xffff;
        }
    }
    std::string word() { return "wörd \"" + std::to_string(next()) + "\"\n"; }

    uint64_t seed_;
};

template <class Result>
void expect_round_trips() {
    for (uint64_t seed = 0; seed < 100; ++seed) {
        Result result;
        Filler filler(seed);
        Result::fields(result, filler);
        const json document = document_of(result);
        const json parsed = parse_json(json_text(document, "test"), "test");
        EXPECT_EQ(document_of(read_fields<Result>(parsed, "test")), document) << seed;
    }
}

TEST(Fields, ResultsWithAnyContentsRoundTrip) {
    expect_round_trips<TrainResult>();
    expect_round_trips<ImportResult>();
    expect_round_trips<InterpretResult>();
    expect_round_trips<EvaluateResult>();
    expect_round_trips<ExplainResult>();
    expect_round_trips<CodingsResult>();
}

TEST(Fields, EveryFieldThatIsMissingOrOfAnotherKindIsNamed) {
    InterpretResult result;
    Filler filler(3);
    InterpretResult::fields(result, filler);
    result.per_class.resize(1);
    result.per_class[0].path.resize(1);
    const json document = document_of(result);
    const auto error_of = [](const json& broken) -> std::string {
        try {
            read_fields<InterpretResult>(broken, "run/interpret.json");
        } catch (const InputError& error) {
            return error.what();
        }
        return "nothing was thrown";
    };
    for (const auto& [name, value] : document.items()) {
        json fewer = document, other = document;
        fewer.erase(name);
        other[name] = value.is_boolean() ? json("text") : json(true);
        EXPECT_THAT(error_of(fewer), AllOf(HasSubstr("run/interpret.json"), HasSubstr(name), HasSubstr("is missing")));
        if (name == "identity") continue;  // any document
        EXPECT_THAT(error_of(other), AllOf(HasSubstr(name), HasSubstr("must be")));
    }
    json deep = document;
    deep["per_class"][0]["path"][0]["mu"] = "two";
    EXPECT_THAT(error_of(deep), HasSubstr("per_class[0].path[0].mu must be a number"));
}

TEST(Fields, AnImportWithoutARunHasNoneOfItsFields) {
    ImportResult result;
    EXPECT_FALSE(document_of(result).contains("run"));
    EXPECT_FALSE(read_fields<ImportResult>(document_of(result), "test").made);
    result.made.emplace().run = "there";
    EXPECT_EQ(read_fields<ImportResult>(document_of(result), "test").made->run, "there");
}

TEST(Fields, WhatIsNotThereIsNullOrNoField) {
    EvaluateResult result;
    result.methods.resize(1);
    const json none = document_of(result);
    EXPECT_TRUE(none["coding"].is_null());
    EXPECT_FALSE(none["methods"][0].contains("relevant"));
    EXPECT_FALSE(read_fields<EvaluateResult>(none, "test").coding);
    result.coding = "rate";
    EXPECT_EQ(read_fields<EvaluateResult>(document_of(result), "test").coding, "rate");
}

TEST(TrainWarnings, SayWhatPlainNumbersHide) {
    TrainResult result;
    result.made.classes = {"a", "b"};
    result.made.epochs = {{1, 50.0, 0.5, 1.0, true, std::nullopt}};
    result.made.train.accuracy = 0.5;
    result.made.train.samples = 400;
    result.made.activity.emplace().largest_class_share = 0.5;
    EXPECT_THAT(result.warnings(), testing::IsEmpty());
    result.diverged = true;
    result.made.activity->silent_layers = {"conv1", "full2"};
    result.made.activity->at_chance = true;
    EXPECT_THAT(result.warnings(),
                testing::ElementsAre(HasSubstr("diverged: the mean loss of epoch 1 is 50"),
                                     HasSubstr("no neuron of conv1 spikes on the first 400"),
                                     HasSubstr("no neuron of full2"), HasSubstr("learned nothing: 50.00 %")));
    result.made.epochs.clear();  // trained elsewhere
    EXPECT_THAT(result.made.warnings(), testing::Contains(HasSubstr("knows nothing of these data: 50.00 %")));
    result.made.activity.reset();
    EXPECT_THAT(result.made.warnings(), testing::IsEmpty());
}

}  // namespace
}  // namespace spikelens
