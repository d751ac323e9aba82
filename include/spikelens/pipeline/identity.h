#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace spikelens {

/// What a result depends on, each input by its name: { "model": fingerprint, "data": checksum, "response": "energy", …
/// }. A result carries the identity that it was made under (pipeline/store.h and the documents of the run) and is
/// served to nobody who needs another one. A stage puts all that its result depends on into the identity, and nothing
/// that it does not depend on, so that what is still valid stays.
class Identity {
  public:
    Identity() = default;  ///< of what depends on nothing
    /// `inputs` is an object.
    explicit Identity(nlohmann::json inputs);

    /// With more inputs; one of the same name is replaced.
    Identity with(const nlohmann::json& more) const;

    const nlohmann::json& inputs() const { return inputs_; }
    std::string digest() const;  ///< SHA-256 in 64 hex digits of the inputs, sorted by name

    /// In words, the first of these inputs that `made_under` lacks or has otherwise: "another model", "other data", "mu
    /// 5, not 2". Empty when it has them all; it may have more. `made_under` may be anything that was read from a file.
    std::string difference(const nlohmann::json& made_under) const;

    bool operator==(const Identity&) const = default;

  private:
    nlohmann::json inputs_ = nlohmann::json::object();
};

/// SHA-256 of the document in one line, in 64 hex digits: for identities of what is long.
std::string digest_of(const nlohmann::json& document);

}  // namespace spikelens
