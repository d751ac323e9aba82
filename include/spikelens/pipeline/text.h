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
struct ExportResult;
struct ShardResult;
struct MergeResult;
struct MethodsResult;
struct DataListResult;
struct DataCheckResult;
struct DataDownloadResult;

/// Results as text for people, in lines of at most 80 columns, with what must not be read without: undecided samples,
/// training that diverged, maps that say nothing.
std::string text_of(const TrainResult& result);
std::string text_of(const ImportResult& result);
std::string text_of(const InterpretResult& result);
std::string text_of(const FiltersResult& result);
std::string text_of(const ExplainResult& result, const Network& network);
std::string text_of(const EvaluateResult& result);
std::string text_of(const CodingsResult& result);
std::string text_of(const InspectResult& result);
std::string text_of(const ExportResult& result);
std::string text_of(const ShardResult& result);
std::string text_of(const MergeResult& result);
std::string text_of(const MethodsResult& result);
std::string text_of(const DataListResult& result);
std::string text_of(const DataCheckResult& result);
std::string text_of(const DataDownloadResult& result);

}  // namespace spikelens
