#include <array>
#include <cmath>
#include <cstdio>
#include <memory>
#include <sstream>

#include <gtest/gtest.h>

#include "spikelens/core/random.h"
#include "spikelens/evaluate/metric.h"
#include "spikelens/evaluate/robustness.h"

#include "support/peers.h"

namespace spikelens {
namespace {

constexpr int64_t kMaps = 6, kSide = 12, kPixels = kSide * kSide;

/// Maps of all sorts: dense, signed, sparse, with ties, of very different sizes. `drawn` gives others.
float value(int64_t map, int64_t place, bool drawn) {
    const auto at = [&](uint64_t draw) {
        return random_uniform(drawn ? 2 : 1, Stream::test,
                              {static_cast<uint64_t>(map), static_cast<uint64_t>(place), draw});
    };
    const double u = at(0);
    switch (map) {
        case 0:
            return static_cast<float>(u);
        case 1:
            return static_cast<float>(u - 0.5);
        case 2:
            return u < 0.9 ? 0.0F : static_cast<float>(at(1));
        case 3:
            return static_cast<float>(std::floor(5 * u));
        case 4:
            return static_cast<float>(std::exp(20 * u) - 100);
        default:
            return static_cast<float>((u - 0.5) * 1e-3);
    }
}

class Maps : public AttributionMethod {
  public:
    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const bool drawn = context.engine->network().layers[0].weight.data != network().layers[0].weight.data;
        FloatArray maps({request.input.samples(), 1, kSide, kSide});
        for (int64_t i = 0; i < maps.size(); ++i)
            maps.data[i] = value(request.samples[i / kPixels], i % kPixels, drawn);
        return maps;
    }
    static Network network() {
        Network network = parse_network("2F", {1, kSide, kSide}, 3);
        initialise_weights(network, 1);
        return network;
    }
};

/// What Quantus says, one line for each map: sparseness, complexity, Spearman and entropies of the two maps.
const char* const kScript = R"(
import numpy, sys
from quantus.functions.complexity_func import discrete_entropy
from quantus.functions.similarity_func import correlation_spearman
from quantus import Sparseness, Complexity
quiet = dict(disable_warnings=True, display_progressbar=False, abs=True, normalise=False)
sparseness, complexity = Sparseness(**quiet), Complexity(**quiet)
for line in sys.stdin:
    a, b = numpy.array(line.split(), dtype=numpy.float64).reshape(2, -1)
    x = numpy.ones_like(a)
    of = lambda metric: metric.evaluate_batch(x_batch=x[None], a_batch=numpy.abs(a)[None].copy())[0]
    print(of(sparseness), of(complexity), correlation_spearman(a=a, b=b),
          discrete_entropy(a, x), discrete_entropy(b, x))
)";

std::string answer(const std::string& python, const std::string& folder) {
    const std::string script = folder + "quantus_script.py", maps = folder + "quantus_maps.txt";
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(script.c_str(), "w"), std::fclose);
    std::fputs(kScript, file.get());
    file.reset(std::fopen(maps.c_str(), "w"));
    for (int64_t n = 0; n < kMaps; ++n) {
        for (const bool drawn : {false, true})
            for (int64_t p = 0; p < kPixels; ++p) std::fprintf(file.get(), "%.9g ", value(n, p, drawn));
        std::fputs("\n", file.get());
    }
    file.reset();
    const std::string command = python + " -W ignore " + script + " < " + maps;
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "r"), pclose);
    std::string text;
    std::array<char, 512> buffer{};
    while (std::fgets(buffer.data(), buffer.size(), pipe.get())) text += buffer.data();
    return text;
}

TEST(Quantus, SaysTheSameOfTheSameMaps) {
    const std::string python = peers_python(SPIKELENS_SOURCE_DIR);
    if (!has_module(python, "quantus"))
        GTEST_SKIP() << python << " has no quantus: that it says the same of the same maps was NOT checked";
    const CpuEngine engine(Maps::network());
    MetricContext context;
    context.model.engine = &engine;
    context.engine_of = [](Network of) { return std::make_shared<CpuEngine>(std::move(of)); };
    const std::vector<int64_t> samples{0, 1, 2, 3, 4, 5};
    const std::vector<int> targets(kMaps);
    const Input input = FloatArray({kMaps, 1, kSide, kSide}, 0.5F);
    const FloatArray scores = engine.run(input).scores;
    const MethodSpec method{"maps", std::make_shared<Maps>(), View::natural, "maps"};
    const FloatArray attribution = explain(method, context.model, {input, targets, samples});
    const auto measure = [&](const char* metric) {
        return find_metric(metric)->measure(context, {method, samples, input, targets, scores, attribution}, {}).values;
    };
    const auto sparseness = measure("sparseness"), complexity = measure("complexity"), mprt = measure("mprt"),
               emprt = measure("emprt");
    std::istringstream answers(answer(python, testing::TempDir()));
    for (int64_t n = 0; n < kMaps; ++n) {
        double gini = 0, entropy = 0, rank = 0, before = 0, after = 0;
        ASSERT_TRUE(answers >> gini >> entropy >> rank >> before >> after) << answers.str();
        EXPECT_NEAR(sparseness[n], gini, 1e-3) << "map " << n;  // it adds 1e-7 to every value
        EXPECT_NEAR(complexity[n], entropy, 1e-5) << "map " << n;
        EXPECT_NEAR(mprt[n], std::abs(rank), 1e-6) << "map " << n;
        EXPECT_NEAR(emprt[n], (after - before) / before, 1e-6) << "map " << n;
    }
}

}  // namespace
}  // namespace spikelens
