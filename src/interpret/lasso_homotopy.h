#pragma once

#include <vector>

#include "active_factor.h"
#include "lasso_problem.h"

namespace spikelens {

/// Follows the solution from w = 0 while the common correlation λ of the active columns falls from max b to 0. On a
/// segment w moves along G_AA⁻¹c_A; it ends where another column's correlation reaches λ (it joins), where a weight
/// reaches zero (it leaves), or at λ = 0. A joining column that depends on the active ones (G singular) is exchanged: w
/// moves along the null direction, which keeps the fit, until a weight reaches zero.
class LassoHomotopy {
  public:
    explicit LassoHomotopy(const LassoProblem& problem);

    /// λ = 0: no larger budget changes w.
    bool ended() const { return ended_; }
    /// The path no longer moves: rounding makes columns of a tie join and leave for ever.
    bool stalled() const { return idle_steps_ > 4 * problem_.size + 64; }

    /// w where the segment begins.
    const ActiveSet& current() const { return active_; }
    /// ‖w‖₁ where the segment ends; infinite on the ray of a G with null directions that b does not respect.
    double end_l1() const { return start_l1_ + end_ * rate_; }
    /// The solution at a budget on the segment, interpolated.
    ActiveSet at(double mu) const;
    /// The same from the optimality conditions of its support, c_A = λs and ‖w‖₁ = μ, solved anew; at the end of the
    /// path c_A = 0. Weights may come out with the wrong sign when the support is nearly dependent.
    ActiveSet refined(const ActiveSet& point, double mu) const;

    /// Goes to the end of the segment and prepares the next.
    void step();

    /// Goes on from a solution found otherwise. Returns false when its columns are dependent.
    bool restart(const ActiveSet& solution);

  private:
    enum class Event { join, leave, finish };

    void prepare();
    void prepare_segment();
    void prepare_exchange();
    void find_leaving();
    void find_joining(const std::vector<double>& c, const std::vector<double>& change, double lambda);
    bool enter(int column, int sign);
    bool append_last();
    void drop(int position);
    void enter_strongest();

    const LassoProblem& problem_;
    ActiveSet active_;
    ActiveFactor factor_;            ///< of the active columns; without the last one while it is dependent
    bool dependent_ = false;         ///< the last active column is not in the factor
    std::vector<double> direction_;  ///< w(τ) = w + τ·direction, 0 ≤ τ ≤ end
    double end_ = 0;
    double start_l1_ = 0;
    double rate_ = 0;  ///< of ‖w‖₁ in τ
    Event event_ = Event::finish;
    int event_column_ = -1;  ///< the column that joins, or the position that leaves
    int event_sign_ = 1;     ///< of the column that joins
    bool ended_ = false;
    int idle_steps_ = 0;
};

}  // namespace spikelens
