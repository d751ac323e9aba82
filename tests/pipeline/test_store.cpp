#include <bit>
#include <cmath>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/core/random.h"
#include "spikelens/io/array_file.h"
#include "spikelens/io/files.h"
#include "spikelens/pipeline/store.h"

#include "support/errors.h"
#include "support/temporary_folder.h"

namespace spikelens {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

double noise(uint64_t a, uint64_t b = 0) { return std::exp(20 * random_normal(4, Stream::test, {a, b})); }

std::vector<double> noise_vector(uint64_t key, size_t size) {
    std::vector<double> values;
    for (size_t i = 0; i < size; ++i) values.push_back(noise(key, i));
    return values;
}

FloatArray float_array(Shape shape) {
    FloatArray array(std::move(shape));
    for (int64_t i = 0; i < array.size(); ++i)
        array.data[i] = static_cast<float>(random_uniform(5, Stream::test, {static_cast<uint64_t>(i)}));
    return array;
}

/// Of four filters and three classes: blocks 1 to 3, and half of block 4.
ResponseSums example_responses() {
    ResponseSums sums;
    sums.first = 20;
    sums.block = 20;
    sums.samples = 70;
    sums.longest = 2;
    for (uint64_t i = 0; i < 36; ++i) {
        sums.whole.high.push_back(static_cast<int64_t>(random_bits(4, Stream::test, {i, 0}) % (int64_t{60} << 28)));
        sums.whole.low.push_back(static_cast<int64_t>(random_bits(4, Stream::test, {i, 1}) >> 2));
    }
    sums.rows = float_array({10, 8});
    sums.predicted = {20, 0, 40};
    sums.correct = 55;
    sums.active = {60, 0, 3, 1};
    sums.top = {{{0.3F, 27, 2, 5}, {0.1F, 89, 0, 0}}, {}, {{1e-40F, 20, 27, 27}}, {}};
    return sums;
}

LassoPoint example_point(uint64_t key, std::vector<int> index) {
    const std::vector<double> weights = noise_vector(key, index.size());
    return {noise(key, 50), std::move(index),       weights,       noise(key, 51),
            noise(key, 52), 1e-16 * noise(key, 53), noise(key, 54)};
}

RelevantFilters example_relevant() {
    RelevantFilters relevant;
    relevant.filters = {{0, 0}, {0, 1}, {1, 0}};
    relevant.budgets = {0.1 + 0.2, 2, 1.0 / 3};
    relevant.chosen_mu = 0.1 + 0.2;
    relevant.classes.push_back(
        {{example_point(1, {0}), example_point(2, {0, 2}), example_point(3, {})}, {example_point(4, {1})}});
    relevant.classes.push_back({{example_point(5, {}), example_point(6, {}), example_point(7, {0, 1, 2})}, {}});
    return relevant;
}

Ablation example_ablation() {
    Ablation ablation;
    ablation.full_accuracy = 0.987;
    ablation.class_samples = {100, 0, 50};
    AblationPoint point;
    point.mu = 1.0 / 3;
    point.relevant_accuracy = noise(1);
    point.random_accuracy = noise(2);
    point.random_draws = noise_vector(3, 5);
    point.class_relevant = {0.5, NAN, 1};
    point.class_random = {0.25, NAN, 0.75};
    point.relevant_ci95 = noise(4);
    point.random_ci95 = noise(5);
    point.mean_filters = 2.6;
    ablation.curve = {point};
    return ablation;
}

std::vector<FilterVisualisation> example_visualisations() {
    FilterVisualisation seen{{1, 3}, float_array({1, 28, 28}), float_array({2, 1, 9, 9}), {17, 4}, 100, 1.0 / 3};
    FilterVisualisation silent;
    silent.filter = {2, 0};
    return {seen, silent};
}

void save_visualisations(const std::vector<FilterVisualisation>& pictures, const json& identity,
                         const std::filesystem::path& path) {
    VisualisationWriter file(identity, path);
    for (const FilterVisualisation& picture : pictures) file.add(picture);
    file.finish();
}

std::vector<FilterVisualisation> all_visualisations(const json& identity, const std::filesystem::path& path) {
    std::vector<FilterVisualisation> pictures;
    load_visualisations(identity, path, [&](FilterVisualisation picture) { pictures.push_back(std::move(picture)); });
    return pictures;
}

void expect_same_points(const std::vector<LassoPoint>& a, const std::vector<LassoPoint>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) {
        EXPECT_EQ(a[i].index, b[i].index);
        EXPECT_EQ(a[i].weight, b[i].weight);
        const auto numbers = [](const LassoPoint& p) {
            return std::vector<double>{p.mu, p.l1, p.objective, p.kkt_residual, p.duality_gap};
        };
        EXPECT_EQ(numbers(a[i]), numbers(b[i]));
    }
}

class Store : public testing::Test {
  protected:
    TemporaryFolder folder;
    std::filesystem::path path = folder / "result";
};

TEST_F(Store, ResponsesComeBackToTheBit) {
    const ResponseSums written = example_responses();
    save_responses(written, "f", path);
    EXPECT_EQ(load_responses("f", path), written);
    const ArrayFile file = read_arrays(path);
    const Responses all = finished(written);
    EXPECT_EQ(file.get<double>("gram"), all.gram);
    EXPECT_EQ(file.get<double>("correlation"), all.correlation);
    EXPECT_EQ(file.get<double>("response_sum"), all.response_sum);
}

TEST_F(Store, ResponsesThatContradictThemselvesAreRefused) {
    const auto error_after = [&](auto change) {
        save_responses(example_responses(), "f", path);
        ArrayFile file = read_arrays(path);
        change(file.arrays);
        write_arrays(path, file);
        return input_error([&] { load_responses("f", path); });
    };
    EXPECT_EQ(error_after([](auto&) {}), "");
    EXPECT_THAT(error_after([](auto& arrays) {
                    arrays["rows"] = DoubleArray({10, 8});
                }),
                HasSubstr("rows is not float32"));
    EXPECT_THAT(error_after([](auto& arrays) { arrays.erase("top/row"); }), HasSubstr("top/row is missing"));
    EXPECT_THAT(error_after([](auto& arrays) {
                    arrays["top/count"] = Array<int64_t>({4}, {2, 0, 2, 0});
                }),
                HasSubstr("more images"));
    EXPECT_THAT(error_after([](auto& arrays) {
                    arrays["top/count"] = Array<int64_t>({4}, {2, 0, 0, 0});
                }),
                HasSubstr("fewer images"));
    EXPECT_THAT(error_after([](auto& arrays) {
                    arrays["top/count"] = Array<int64_t>({4}, {4, -1, 0, 0});
                }),
                HasSubstr("negative"));
    EXPECT_THAT(error_after([](auto& arrays) {
                    arrays["top/sample"] = Array<int64_t>({3}, {27, 90, 20});
                }),
                HasSubstr("not summed"));
    EXPECT_THAT(error_after([](auto& arrays) {
                    arrays["top/sample"] = Array<int64_t>({3}, {27, 89, 19});
                }),
                HasSubstr("not summed"));
    EXPECT_THAT(error_after([](auto& arrays) { arrays["samples"] = Array<int64_t>(Shape{}, {54}); }),
                HasSubstr("0..samples"));
    EXPECT_THAT(error_after([](auto& arrays) { arrays["samples"] = Array<int64_t>(Shape{}, {-1}); }),
                HasSubstr("0..2^40"));
    EXPECT_THAT(error_after([](auto& arrays) { arrays["block"] = Array<int64_t>(Shape{}, {10}); }),
                AllOf(HasSubstr(path.string()), HasSubstr("not those of their samples")));
    EXPECT_THAT(error_after([](auto& arrays) { arrays["top/longest"] = Array<int64_t>(Shape{}, {1}); }),
                HasSubstr("not those of their samples"));
    const auto first_of = [&](const char* name, auto value) {
        return error_after([&](auto& arrays) { std::get<Array<decltype(value)>>(arrays[name]).data[0] = value; });
    };
    EXPECT_THAT(first_of("whole/high", int64_t{-1}), HasSubstr("not those of their samples"));
    EXPECT_THAT(first_of("whole/high", (int64_t{70} << 28) + 1), HasSubstr("not those of their samples"));
    EXPECT_THAT(first_of("whole/low", int64_t{-1}), HasSubstr("not those of their samples"));
    EXPECT_THAT(first_of("whole/low", int64_t{1} << 62), HasSubstr("not those of their samples"));
    EXPECT_THAT(first_of("rows", 1.5F), HasSubstr("not those of their samples"));
    EXPECT_THAT(first_of("rows", NAN), HasSubstr("not those of their samples"));
    EXPECT_THAT(error_after([](auto& arrays) {
                    arrays["rows"] = FloatArray({9, 8});
                }),
                HasSubstr("not those of their samples"));
}

TEST_F(Store, RelevantFiltersComeBackToTheBit) {
    const RelevantFilters written = example_relevant();
    save_relevant_filters(written, "f", path);
    const RelevantFilters read = load_relevant_filters("f", path);
    EXPECT_EQ(read.filters, written.filters);
    EXPECT_EQ(read.budgets, written.budgets);
    EXPECT_EQ(read.chosen_mu, written.chosen_mu);
    ASSERT_EQ(read.classes.size(), written.classes.size());
    for (size_t i = 0; i < read.classes.size(); ++i) {
        expect_same_points(read.classes[i].points, written.classes[i].points);
        expect_same_points(read.classes[i].breakpoints, written.classes[i].breakpoints);
    }
}

TEST_F(Store, RelevantFiltersThatContradictThemselvesAreRefused) {
    const auto error_after = [&](auto change) {
        save_relevant_filters(example_relevant(), "f", path);
        json document = read_json(path);
        change(document);
        write_json(path, document);
        return input_error([&] { load_relevant_filters("f", path); });
    };
    EXPECT_EQ(error_after([](json&) {}), "");
    EXPECT_THAT(error_after([](json& d) { d["chosen_mu"] = 3; }), HasSubstr("chosen_mu must be one of budgets"));
    EXPECT_THAT(error_after([](json& d) {
                    d["classes"][0]["points"][1]["index"] = {2, 0};
                }),
                HasSubstr("classes[0].points[1].index must ascend"));
    EXPECT_THAT(error_after([](json& d) { d["classes"][0]["points"][1]["index"] = {0, 3}; }), HasSubstr("0..2"));
    EXPECT_THAT(error_after([](json& d) { d["classes"][0]["points"][1]["weight"] = {1}; }),
                HasSubstr("as many values"));
    EXPECT_THAT(error_after([](json& d) { d["classes"][1]["points"].erase(0); }), HasSubstr("one point per budget"));
    EXPECT_THAT(error_after([](json& d) { d["filters"][0] = {1}; }), HasSubstr("[layer, filter]"));
    EXPECT_THAT(error_after([](json& d) { d.erase("budgets"); }), HasSubstr("budgets is missing"));
}

TEST_F(Store, AblationComesBackAndEmptyClassesAreNull) {
    const Ablation written = example_ablation();
    save_ablation(written, "f", path);
    EXPECT_TRUE(read_json(path)["curve"][0]["class_relevant"][1].is_null());
    const Ablation read = load_ablation("f", path);
    EXPECT_EQ(read.full_accuracy, written.full_accuracy);
    EXPECT_EQ(read.class_samples, written.class_samples);
    ASSERT_EQ(read.curve.size(), 1U);
    const AblationPoint &a = read.curve[0], &b = written.curve[0];
    const auto numbers = [](const AblationPoint& p) {
        return std::vector<double>{p.mu,          p.relevant_accuracy, p.random_accuracy, p.relevant_ci95,
                                   p.random_ci95, p.mean_filters};
    };
    EXPECT_EQ(numbers(a), numbers(b));
    EXPECT_EQ(a.random_draws, b.random_draws);
    for (size_t i : {0, 2}) {
        EXPECT_EQ(a.class_relevant[i], b.class_relevant[i]);
        EXPECT_EQ(a.class_random[i], b.class_random[i]);
    }
    EXPECT_TRUE(std::isnan(a.class_relevant[1]) && std::isnan(a.class_random[1]));
}

TEST_F(Store, VisualisationsComeBackToTheBit) {
    const std::vector<FilterVisualisation> written = example_visualisations();
    save_visualisations(written, "f", path);
    const std::vector<FilterVisualisation> read = all_visualisations("f", path);
    ASSERT_EQ(read.size(), 2U);
    for (size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(read[i].filter, written[i].filter);
        EXPECT_EQ(read[i].average, written[i].average);
        EXPECT_EQ(read[i].crops, written[i].crops);
        EXPECT_EQ(read[i].samples, written[i].samples);
        EXPECT_EQ(read[i].averaged, written[i].averaged);
        EXPECT_EQ(read[i].spread, written[i].spread);
    }
    save_visualisations({}, "f", path);
    EXPECT_TRUE(all_visualisations("f", path).empty());
}

TEST_F(Store, ResultsOfAnotherModelOrKindAreNoticed) {
    const auto other_model = AllOf(HasSubstr(path.string()), HasSubstr("make it again"));
    save_responses(example_responses(), "f", path);
    EXPECT_THAT(input_error([&] { load_responses("g", path); }), other_model);
    EXPECT_THAT(input_error([&] { all_visualisations("f", path); }), HasSubstr("holds \"spikelens responses 4\""));
    EXPECT_THAT(input_error([&] { load_ablation("f", path); }), HasSubstr("broken JSON"));
    save_visualisations(example_visualisations(), "f", path);
    EXPECT_THAT(input_error([&] { all_visualisations("g", path); }), other_model);
    save_relevant_filters(example_relevant(), "f", path);
    EXPECT_THAT(input_error([&] { load_relevant_filters("g", path); }), other_model);
    EXPECT_THAT(input_error([&] { load_ablation("f", path); }), HasSubstr("holds \"spikelens relevant filters 2\""));
    EXPECT_THAT(input_error([&] { load_responses("f", path); }), HasSubstr("not an array file"));
    save_ablation(example_ablation(), "f", path);
    EXPECT_THAT(input_error([&] { load_ablation("g", path); }), other_model);
}

TEST_F(Store, JsonNumbersComeBackToTheBit) {
    for (uint64_t round = 0; round < 2000; ++round) {
        const double value = std::bit_cast<double>(random_bits(6, Stream::test, {round}));
        if (!std::isfinite(value)) continue;
        ASSERT_EQ(json::parse(json(value).dump()).get<double>(), value);
    }
}

TEST_F(Store, JsonIsIndentedSortedAndEndsInANewline) {
    write_json(path, {{"b", 1}, {"a", {1.5, nullptr}}});
    EXPECT_THAT(read_file(path),
                AllOf(StartsWith("{\n  \"a\": [\n    1.5,\n    null\n  ],\n  \"b\": 1,\n  \"checksum\": \""),
                      EndsWith("\"\n}\n")));
    EXPECT_EQ(read_json(path), (json{{"b", 1}, {"a", {1.5, nullptr}}}));
    write_json(path, json::array({1, 2}));
    EXPECT_EQ(read_file(path), "[\n  1,\n  2\n]\n");
    EXPECT_THAT(input_error([&] { write_json(path, "\xff"); }), HasSubstr("UTF-8"));
}

/// Whatever digit or letter changes: the file says so, or no longer parses.
TEST_F(Store, JsonThatChangedIsRefused) {
    write_json(path, {{"accuracy", 0.8125}, {"classes", {"cat", "dog"}}, {"confusion", {{192, 3}, {1, 204}}}});
    const std::string good = read_file(path);
    int changed = 0;
    for (size_t i = 0; i < good.size(); ++i) {
        if (std::isalnum(static_cast<unsigned char>(good[i])) == 0) continue;
        std::string bad = good;
        bad[i] = bad[i] == '8' ? '9' : '8';
        const std::string content = bad.substr(0, bad.find("\"checksum\""));
        if (content.size() == bad.size()) continue;  // the key itself
        std::ofstream(path, std::ios::binary) << bad;
        EXPECT_THAT(input_error([&] { read_json(path); }), HasSubstr(path.string())) << bad;
        ++changed;
    }
    EXPECT_GT(changed, 80);
}

TEST_F(Store, BrokenJsonSaysWhere) {
    const auto error_of = [&](const std::string& text) {
        std::ofstream(path, std::ios::binary) << text;
        return input_error([&] { read_json(path); });
    };
    EXPECT_THAT(error_of("{\"a\": 1,, }"), AllOf(HasSubstr(path.string()), HasSubstr("byte 9 of 11")));
    EXPECT_THAT(error_of(""), HasSubstr("broken JSON"));
    EXPECT_THAT(error_of("{\"a\": 1, \"a\": 2}"), HasSubstr("the key \"a\" appears twice"));
    EXPECT_EQ(error_of("[{\"a\": 1}, {\"a\": 2}]"), "");
    EXPECT_THAT(error_of("[1e999]"), HasSubstr("too large"));
    EXPECT_THAT(error_of(std::string(100'000, '[')), HasSubstr("nested deeper"));
    std::filesystem::remove(path);
    EXPECT_THAT(input_error([&] { read_json(path); }), HasSubstr("there is no file"));
}

}  // namespace
}  // namespace spikelens
