#pragma once

#include <string>

namespace spikelens {

struct Network;
struct TrainResult;
struct ImportResult;
struct InterpretResult;
struct FiltersResult;
struct ExplainResult;
struct EvaluateResult;
struct CodingsResult;
struct InspectResult;

/// Results as text for people, in lines of at most 80 columns, with what must not be read without: undecided samples, training
/// that diverged, maps that say nothing.
std::string text_of(const TrainResult& result);
std::string text_of(const ImportResult& result);
std::string text_of(const InterpretResult& result);
std::string text_of(const FiltersResult& result);
std::string text_of(const ExplainResult& result, const Network& network);
std::string text_of(const EvaluateResult& result);
std::string text_of(const CodingsResult& result);
std::string text_of(const InspectResult& result);

}  // namespace spikelens
