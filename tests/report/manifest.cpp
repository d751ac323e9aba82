#include "fixture.h"

namespace spikelens::report_test {

nlohmann::json manifest() {
    return {{"command", {"train", "--data", "synthetic", "--network", "shallow", "--out", "runs/synthetic"}},
            {"stages",
             {{"train", {{"command", {"train", "--data", "synthetic", "--out", "runs/synthetic"}}, {"seed", 1}}},
              {"interpret", {{"command", {"interpret", "runs/synthetic", "--mu-max", "50"}}, {"seed", 1}}},
              {"evaluate",
               {{{"command", {"evaluate", "runs/synthetic", "--methods", "svebi,ig2d"}}, {"seed", 1}},
                {{"command", {"evaluate", "runs/synthetic", "--methods", "sam"}}, {"seed", 1}}}}}},
            {"seed", 1},
            {"options", {{"epochs", 5}, {"learning_rate", 0.3}}},
            {"versions", {{"spikelens", "0.1.0"}}},
            {"data", {{{"file", "train-images"}, {"sha256", "synthetic"}}}}};
}

}  // namespace spikelens::report_test
