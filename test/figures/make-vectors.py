"""Known answers of figures.test.ts, by scikit-learn and numpy: python make-vectors.py > vectors.json"""
import json
import numpy as np
from sklearn import metrics

random = np.random.default_rng(7)


def calibration_error(probabilities, labels, bins=15):
    confidence, answer = probabilities.max(1), probabilities.argmax(1)
    error = 0.0
    for low in range(bins):
        inside = (confidence > low / bins) & (confidence <= (low + 1) / bins)
        if inside.any():
            error += inside.mean() * abs((answer == labels)[inside].mean() - confidence[inside].mean())
    return error


def classes(count, width, shares, step):
    labels = random.choice(width, count, p=shares)
    logits = random.normal(size=(count, width)) + 1.2 * np.eye(width)[labels]
    # coarse steps: many scores are equal
    logits = np.round(logits / step) * step
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    probabilities = exponentials / exponentials.sum(1, keepdims=True)
    answers = logits.argmax(1)
    present = [label for label in range(width) if (labels == label).any()]
    score = (lambda label: logits[:, 1] - logits[:, 0] if width == 2 else np.log(probabilities[:, label]).astype(np.float32))
    ranked = [1] if width == 2 else present
    recall = metrics.recall_score(labels, answers, labels=range(width), average=None, zero_division=np.nan)
    precision = metrics.precision_score(labels, answers, labels=range(width), average=None, zero_division=np.nan)
    blank = lambda values: [None if np.isnan(value) else value for value in values]
    return {
        'labels': labels.tolist(),
        'logits': logits.ravel().tolist(),
        'accuracy': metrics.accuracy_score(labels, answers),
        'balancedAccuracy': metrics.balanced_accuracy_score(labels, answers) if set(answers) <= set(present) else recall[present].mean(),
        'recall': blank(recall),
        'precision': blank(precision),
        'confusion': metrics.confusion_matrix(labels, answers, labels=range(width)).tolist(),
        'auc': np.mean([metrics.roc_auc_score(labels == label, score(label)) for label in ranked]),
        'averagePrecision': np.mean([metrics.average_precision_score(labels == label, score(label)) for label in ranked]),
        'logLoss': metrics.log_loss(labels, probabilities, labels=range(width)),
        'calibrationError': calibration_error(probabilities, labels),
        'majority': float(np.bincount(labels).max() / count)
    }


def regression(count):
    target = np.round(random.gamma(3, 20, count), 2)
    predicted = np.round(target + random.normal(0, 12, count), 2)
    train = np.round(random.gamma(3, 20, 50), 2)
    return {
        'target': target.tolist(),
        'predicted': predicted.tolist(),
        'mean': train.mean(),
        'median': float(np.median(train)),
        'meanSquaredError': metrics.mean_squared_error(target, predicted),
        'meanAbsoluteError': metrics.mean_absolute_error(target, predicted),
        'r2': metrics.r2_score(target, predicted),
        'baseline': {
            'meanSquaredError': metrics.mean_squared_error(target, np.full(count, train.mean())),
            'meanAbsoluteError': metrics.mean_absolute_error(target, np.full(count, np.median(train))),
            'r2': metrics.r2_score(target, np.full(count, train.mean()))
        }
    }


print(json.dumps({
    'two classes, skewed, ties': classes(60, 2, [0.9, 0.1], 0.5),
    'two classes': classes(40, 2, [0.5, 0.5], 0.125),
    'four classes, one absent': classes(50, 4, [0.5, 0.3, 0.2, 0.0], 0.25),
    'regression': regression(30)
}, indent=None, separators=(',', ':')))
