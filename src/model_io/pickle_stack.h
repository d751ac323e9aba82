#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "pickle_bytes.h"
#include "pickle_value.h"

namespace spikelens {

constexpr uint64_t kMostPickleValues = uint64_t{1} << 20;
constexpr uint64_t kMostPickleSteps = uint64_t{1} << 26;

/// What a pickle's opcodes work on: its bytes, the values made so far, and the stack of them with its marks. Refuses,
/// by the bytes' InputError, what is not on the stack, more than 2^20 values, and more than 2^26 steps.
class PickleStack {
  protected:
    PickleStack(std::span<const uint8_t> bytes, const std::string& where) : bytes_(bytes, where) {}

    void charge(uint64_t steps) {
        steps_ += steps;
        if (steps_ > kMostPickleSteps) bytes_.fail("it takes more than 2^26 steps");
    }

    PickleValue& value(PickleId id) { return pickle_.values[id]; }

    void push(PickleId id) {
        if (stack_.size() >= kMostPickleValues) bytes_.fail("its stack is deeper than 2^20");
        stack_.push_back(id);
    }
    PickleValue& push_new(PickleKind kind, std::vector<PickleId> items = {}) {
        push(make(kind, std::move(items)));
        return value(stack_.back());
    }
    PickleId top() {
        if (stack_.size() <= floor()) bytes_.fail("its stack is empty");
        return stack_.back();
    }
    PickleId pop() {
        const PickleId id = top();
        stack_.pop_back();
        return id;
    }
    std::vector<PickleId> pop_marked() {
        if (marks_.empty()) bytes_.fail("a mark is missing");
        const size_t begin = marks_.back();
        marks_.pop_back();
        return pop_to(begin);
    }
    std::vector<PickleId> pop_some(size_t count) {
        if (stack_.size() < floor() + count) bytes_.fail("its stack is empty");
        return pop_to(stack_.size() - count);
    }
    void mark() {
        if (marks_.size() >= kMostPickleValues) bytes_.fail("it marks more than 2^20 times");
        marks_.push_back(stack_.size());
    }
    void pop_value_or_mark() {
        if (!marks_.empty() && marks_.back() == stack_.size())
            marks_.pop_back();
        else
            pop();
    }
    /// The value on top is the whole pickle's.
    Pickle finish() {
        pickle_.root = pop();
        pickle_.size = bytes_.position();
        return std::move(pickle_);
    }

    PickleBytes bytes_;

  private:
    PickleId make(PickleKind kind, std::vector<PickleId> items) {
        if (pickle_.values.size() >= kMostPickleValues) bytes_.fail("it holds more than 2^20 values");
        pickle_.values.push_back({.kind = kind, .text = {}, .attributes = {}, .items = std::move(items)});
        return static_cast<PickleId>(pickle_.values.size() - 1);
    }
    size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
    std::vector<PickleId> pop_to(size_t begin) {
        std::vector<PickleId> items(stack_.begin() + static_cast<std::ptrdiff_t>(begin), stack_.end());
        stack_.resize(begin);
        charge(items.size());
        return items;
    }

    Pickle pickle_;
    std::vector<PickleId> stack_;
    std::vector<size_t> marks_;  ///< how deep the stack was
    uint64_t steps_ = 0;
};

}  // namespace spikelens
