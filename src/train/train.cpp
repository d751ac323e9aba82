#include "spikelens/train/train.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <span>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"
#include "spikelens/core/random.h"

#include "cross_entropy.h"
#include "sgd.h"
#include "snn/torch_errors.h"
#include "snn/torch_network.h"
#include "snn/torch_threads.h"

namespace spikelens {
namespace {

/// A batch is cut into so many shards whatever the machine, so that sums of gradients are formed in one way. A few more
/// than most machines have cores; small shards also stay in the cache.
constexpr int64_t kShards = 8;
constexpr const char* kTask = "training";

std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", value);
    return text;
}

void require(bool condition, const std::string& sentence) {
    if (!condition) throw InputError("training: " + sentence);
}

// Weights are floats, and so must be what scales them.
bool not_negative(double value) { return std::isfinite(static_cast<float>(value)) && value >= 0; }
bool positive(double value) { return not_negative(value) && static_cast<float>(value) > 0; }

void check_state(const TrainState& state, const TrainOptions& options, int64_t samples) {
    const EpochPart& part = state.part;
    require(state.epochs_done >= 0 && state.history.size() == static_cast<size_t>(state.epochs_done),
            "the state says " + std::to_string(state.epochs_done) + " epochs are done but records " +
                std::to_string(state.history.size()));
    require(state.epochs_done + (part.samples > 0 ? 1 : 0) <= options.epochs,
            "the state is in epoch " + std::to_string(state.epochs_done + 1) + ", behind the last of " +
                std::to_string(options.epochs));
    require(part.samples >= 0 && part.samples < samples && part.samples % options.batch == 0,
            "the state stands behind sample " + std::to_string(part.samples) + " of an epoch of " + std::to_string(samples) +
                ", expected a whole number of batches of " + std::to_string(options.batch));
    require(part.correct >= 0 && part.correct <= part.samples && std::isfinite(part.loss) && part.loss >= 0,
            "the state's sums of the epoch under way are impossible");
}

void check_samples(const SampleSource& samples, const Network& network) {
    require(samples.size() > 0, "there are no samples");
    require(samples.shape() == network.input_shape(), "samples have the shape " + shape_text(samples.shape()) +
                                                          "; the network needs " + shape_text(network.input_shape()));
    for (int64_t i = 0; i < samples.size(); ++i) {
        const int label = samples.label(i);
        if (label < 0 || label >= network.class_count())
            throw InputError("training: sample " + std::to_string(i) + " has the label " + std::to_string(label) +
                             "; the network's classes are 0 to " + std::to_string(network.class_count() - 1));
    }
}

/// What a shard gives, or several together.
struct ShardResult {
    std::vector<at::Tensor> gradients;
    BatchRecord record;

    void add(ShardResult other) {
        record += other.record;
        if (gradients.empty()) gradients.swap(other.gradients);
        for (size_t i = 0; i < other.gradients.size(); ++i) gradients[i].add_(other.gradients[i]);
    }
};

/// Adds the results of shards in the order of the shards, each as soon as those before it are in: the sum does not
/// depend on who finishes first, and few results wait in memory.
class OrderedSum {
  public:
    void add(int64_t shard, ShardResult result) {
        const std::lock_guard lock(mutex_);
        waiting_[shard] = std::move(result);
        for (auto first = waiting_.begin(); first != waiting_.end() && first->first == next_;
             first = waiting_.erase(first), ++next_)
            total_.add(std::move(first->second));
    }

    ShardResult& total() { return total_; }

  private:
    std::mutex mutex_;
    std::map<int64_t, ShardResult> waiting_;
    int64_t next_ = 0;
    ShardResult total_;
};

class Trainer {
  public:
    Trainer(Network& network, const SampleSource& samples, const TrainOptions& options, TrainState& state,
            const Execution& execution)
        : network_(network),
          samples_(samples),
          options_(options),
          state_(state),
          execution_(execution),
          classes_(network.class_count()),
          torch_(network, options.surrogate, false, at::kFloat),
          sgd_(network, options, state) {}

    /// Goes on where the state stands in its epoch, to the epoch's end.
    void run_epoch(const std::function<void(const Network&, const TrainState&)>& after_batch) {
        const int epoch = state_.epochs_done + 1;
        const int64_t total = samples_.size();
        const std::vector<int64_t> order =
            random_permutation(total, options_.seed, Stream::epoch_order, {static_cast<uint64_t>(epoch)});
        const std::string task = "training, epoch " + std::to_string(epoch) + " of " + std::to_string(options_.epochs);
        for (int64_t first = state_.part.samples; first < total; first += options_.batch) {
            const auto start = std::chrono::steady_clock::now();
            const int64_t size = std::min<int64_t>(options_.batch, total - first);
            const BatchRecord batch = run_batch(std::span(order).subspan(first, size), task);
            add_to_state(batch, size, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
            if (after_batch) after_batch(network_, state_);
            execution_.report(task, first + size, total, "loss " + number(batch.loss / static_cast<double>(size)));
        }
    }

  private:
    void add_to_state(const BatchRecord& batch, int64_t size, double seconds) {
        EpochPart& part = state_.part;
        part.samples += size;
        part.loss += batch.loss;
        part.correct += batch.correct;
        part.seconds += seconds;
        if (part.samples < samples_.size()) return;
        const auto total = static_cast<double>(part.samples);
        ++state_.epochs_done;
        state_.history.push_back(
            {state_.epochs_done, part.loss / total, static_cast<double>(part.correct) / total, part.seconds});
        part = {};
    }

    BatchRecord run_batch(std::span<const int64_t> batch, const std::string& task) {
        const int64_t size = static_cast<int64_t>(batch.size());
        const int64_t shards = std::min(kShards, size);
        OrderedSum sum;
        parallel_for(shards, threads_with_room(execution_.threads, shards, kTask), [&](int64_t shard, int) {
            const int64_t first = shard * size / shards, end = (shard + 1) * size / shards;
            without_torch_errors(
                kTask, [&] { add_shard(batch.subspan(first, end - first), shard, 1.0 / static_cast<double>(size), sum); });
        });
        if (!std::isfinite(sum.total().record.loss)) throw diverged(task, "the loss");
        without_torch_errors(kTask, [&] { sgd_.step(sum.total().gradients); });
        // A neuron whose weights are no numbers is silent: the loss alone would not tell.
        if (!torch_.finite()) throw diverged(task, "a weight");
        return sum.total().record;
    }

    RunError diverged(const std::string& task, const std::string& what) const {
        return RunError(task + ": " + what + " is not finite; a learning rate below " + number(options_.learning_rate) +
                        " may help");
    }

    void add_shard(std::span<const int64_t> indices, int64_t shard, double weight, OrderedSum& sum) const {
        const at::NoGradGuard no_autograd;
        compute_in_this_thread();
        Input shown = samples_.input(indices);
        std::vector<int> labels;
        for (int64_t index : indices) labels.push_back(samples_.label(index));
        TorchNetwork::Trace trace;
        trace.keep_inputs = true;
        const at::Tensor scores = torch_.forward(tensor_of(shown), trace).contiguous();
        at::Tensor score_gradient = at::empty_like(scores);
        const size_t count = labels.size() * static_cast<size_t>(classes_);
        const BatchRecord record =
            cross_entropy({scores.data_ptr<float>(), count}, labels, weight, {score_gradient.data_ptr<float>(), count});
        sum.add(shard, {torch_.backward(trace, score_gradient, false).parameters, record});
    }

    /// Looks at images [N, C, H, W], or at spikes [N, T, C, H, W].
    static at::Tensor tensor_of(Input& input) {
        if (!input.spiking()) return view_of(input.images);
        return at::from_blob(input.spikes.data.data(), input.spikes.shape, at::TensorOptions().dtype(at::kByte));
    }

    const Network& network_;
    const SampleSource& samples_;
    const TrainOptions& options_;
    TrainState& state_;
    const Execution& execution_;
    int64_t classes_;
    TorchNetwork torch_;
    Sgd sgd_;
};

}  // namespace

void check_train_options(const TrainOptions& options) {
    require(options.epochs >= 1, "epochs must be 1 or more, not " + std::to_string(options.epochs));
    require(options.batch >= 1, "the batch must be 1 or more, not " + std::to_string(options.batch));
    require(positive(options.learning_rate), "the learning rate must be above 0, not " + number(options.learning_rate));
    require(options.momentum >= 0 && options.momentum < 1, "momentum must be in [0, 1), not " + number(options.momentum));
    require(not_negative(options.weight_decay), "weight decay must be 0 or more, not " + number(options.weight_decay));
    require(not_negative(options.clip_norm), "the norm to clip at must be 0 or more, not " + number(options.clip_norm));
    require(positive(options.surrogate.scale), "the surrogate's scale must be above 0, not " + number(options.surrogate.scale));
}

void train(Network& network, const SampleSource& samples, const TrainOptions& options, TrainState& state,
           const std::function<void(const Network&, const TrainState&)>& after_batch, const Execution& execution) {
    check_network(network, "training");
    require_chain(network, "training");
    check_train_options(options);
    check_samples(samples, network);
    check_state(state, options, samples.size());
    const at::NoGradGuard no_autograd;
    compute_in_this_thread();
    const auto trainer =
        without_torch_errors(kTask, [&] { return std::make_unique<Trainer>(network, samples, options, state, execution); });
    while (state.epochs_done < options.epochs) trainer->run_epoch(after_batch);
}

}  // namespace spikelens
