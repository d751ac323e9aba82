#pragma once

#include <string>
#include <utility>

#include "spikelens/core/error.h"

namespace spikelens {

/// An option that cannot have its value. `field` is its name in an options struct or a document, "mu_max": who offers
/// the option under a name of his own adds that name.
class OptionError : public InputError {
  public:
    OptionError(std::string field, const std::string& sentence) : InputError(sentence), field_(std::move(field)) {}
    const std::string& field() const { return field_; }

  private:
    std::string field_;
};

}  // namespace spikelens
