#pragma once

#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "commands.h"

namespace spikelens::app {

// The words after the program's name that run a stage again, with every option that is not the usual one. What changes no
// result (threads, memory, how it is printed) is left out.
std::vector<std::string> arguments_of(const TrainRunOptions& options);
std::vector<std::string> arguments_of(const ImportOptions& options);
std::vector<std::string> arguments_of(const InterpretCommand& command, const Globals& globals);
std::vector<std::string> arguments_of(const EvaluateCommand& command, const Globals& globals);
std::vector<std::string> arguments_of(const ReportCommand& command, const Globals& globals);

/// Builds such words for the commands that are described elsewhere.
class ArgumentList {
  public:
    explicit ArgumentList(std::string command) : words_{std::move(command)} {}

    ArgumentList& word(const std::string& value);
    /// "--name value", unless it is the usual value.
    ArgumentList& option(const std::string& name, const std::string& value, const std::string& usual);
    ArgumentList& option(const std::string& name, double value, double usual);
    ArgumentList& option(const std::string& name, float value, float usual);
    ArgumentList& option(const std::string& name, int64_t value, int64_t usual);
    /// "--name value", where there is one.
    template <class Number>
    ArgumentList& option(const std::string& name, const std::optional<Number>& value) {
        return value ? word(name).word(fmt::format("{}", *value)) : *this;
    }
    ArgumentList& list(const std::string& name, const std::vector<std::string>& values);  ///< joined by commas
    ArgumentList& flag(const std::string& name, bool set);
    /// With the options of every command that change results.
    std::vector<std::string> with_seed(uint64_t seed) const;
    std::vector<std::string> with(const Globals& globals) const { return with_seed(globals.seed); }

  private:
    std::vector<std::string> words_;
};

}  // namespace spikelens::app
