#pragma once

#include <vector>

#include <nanobind/nanobind.h>

#include "spikelens/attribute/method.h"

#include "arrays.h"

namespace spikelens::python {

/// Thrown where maps that were made elsewhere would be needed of another input, class or network.
struct NotGiven {};

/// A method whose attributions are there: row n belongs to sample n. `given` is the engine, and `targets` the classes,
/// that they were made for.
class GivenMaps final : public AttributionMethod {
  public:
    GivenMaps(const std::string& name, FloatArray maps, Samples samples, std::vector<int> targets, const Engine& given);
    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override;

  private:
    FloatArray maps_;
    Samples samples_;
    std::vector<int> targets_;  ///< empty: the predicted ones
    const Engine* given_;
};

/// A method that is a function of Python's: f(changed, inputs, targets) gives attributions; `changed` is the network to
/// explain where that is another one than `given` computes, else None.
class CalledMethod final : public AttributionMethod {
  public:
    CalledMethod(const std::string& name, nb::object function, bool timed, const Engine& given);
    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override;

  private:
    nb::object function_;
    const Engine* given_;
};

/// As methods take part in evaluations under a name of their own.
MethodSpec spec_of(const std::string& name, std::shared_ptr<const AttributionMethod> method);

}  // namespace spikelens::python
