#pragma once

#include "commands.h"

namespace spikelens::app {

/// How the coding changes which inputs matter: one classifier per coding, or one for all, each explained by the same methods.
struct CodingsCommand {
    std::string data = "fashion-mnist";
    std::string network = "shallow";
    std::filesystem::path out;
    std::vector<std::string> codings = {"direct", "rate", "latency", "latency(log)", "delta"};
    std::vector<std::string> methods = {"grad2d", "ig2d:steps=8", "sam", "input", "random"};
    bool shared = false;  ///< train with the first coding only
    int steps = 10;
    int epochs = 1;
    int64_t train_samples = 20000;  ///< 0: all
    int64_t samples = 200;          ///< test images explained; 0: all
    double share = 0.1;             ///< of the pixels whose overlap is measured
};
/// Under which name the overlaps hold the first coding's second training.
std::string control_name(const std::string& coding);
Outcome run_codings(const CodingsCommand& given, const Globals& globals, Console& console);

}  // namespace spikelens::app
