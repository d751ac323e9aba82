#pragma once

#include <array>
#include <charconv>
#include <string>
#include <string_view>

#include "spikelens/core/error.h"

namespace spikelens {

/// How stages begin that pool, in the order of PoolKind.
constexpr std::array<std::string_view, 4> kPoolStages = {"", "MP", "AP", "SP"};

/// One stage of the text, and the errors that name it.
struct Stage {
    std::string text;
    size_t position = 0;  // from 1

    [[noreturn]] void fail(const std::string& what) const {
        throw InputError("network text, stage " + std::to_string(position) + " '" + text + "': " + what);
    }
};

/// Takes a text apart into stages and brackets. Spaces mean nothing.
class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) { skip_spaces(); }

    bool done() const { return at_ == text_.size(); }
    bool next_is(char c) const { return at_ < text_.size() && text_[at_] == c; }
    bool take(char c) {
        if (!next_is(c)) return false;
        ++at_;
        skip_spaces();
        return true;
    }
    /// Up to what separates stages, outside of parentheses.
    Stage stage() {
        Stage stage{"", ++position_};
        for (int depth = 0; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            if (c == '(') ++depth;
            if (c == ')') --depth;
            if (depth == 0 && (c == '-' || c == '[' || c == '|' || c == ']')) break;
            if (c != ' ') stage.text += c;
        }
        return stage;
    }
    /// What stands here, for errors.
    Stage here() const { return {std::string(text_.substr(at_, 1)), position_ + 1}; }

  private:
    void skip_spaces() {
        while (next_is(' ')) ++at_;
    }
    std::string_view text_;
    size_t at_ = 0, position_ = 0;
};

/// Reads a stage from left to right.
class Cursor {
  public:
    explicit Cursor(const Stage& stage) : stage_(stage), rest_(stage.text) {}

    bool done() const { return rest_.empty(); }
    bool take(std::string_view word) {
        if (!rest_.starts_with(word)) return false;
        rest_.remove_prefix(word.size());
        return true;
    }
    int number(const std::string& what, int lowest, int highest) {
        int value = 0;
        const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
        if (error != std::errc() || value < lowest || value > highest)
            stage_.fail(what + " must be a whole number from " + std::to_string(lowest) + " to " +
                        std::to_string(highest));
        rest_.remove_prefix(end - rest_.data());
        return value;
    }
    std::string_view rest() const { return rest_; }

  private:
    const Stage& stage_;
    std::string_view rest_;
};

/// "3x5": along a column and along a row; one number says both.
struct Sides {
    int rows, columns;
    bool differ() const { return rows != columns; }
};
inline Sides take_sides(Cursor& cursor, const std::string& what, int lowest, int highest) {
    const int rows = cursor.number(what, lowest, highest);
    return {rows, cursor.take("x") ? cursor.number(what, lowest, highest) : rows};
}

}  // namespace spikelens
