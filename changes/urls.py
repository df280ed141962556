"""Addresses of what the team does."""

from django.urls import URLPattern, URLResolver, path, re_path

from changes.api.urls import api_urls
from changes.approvals import views as delegations
from changes.connectors import pages as connector_pages
from changes.connectors import views as connectors
from changes.desk import class_views, emergency_views, list_views, outcome_views, release_views, saved_views, talk_views, views
from changes.desk.approving import bulk_views as bulk
from changes.desk.approving import views as approving
from changes.desk.approving import waiver_views as waivers
from changes.desk.proposing import draft_views, history_views, joining_views
from changes.desk.proposing import views as proposing
from changes.exceptions import noise_views
from changes.exceptions import views as exceptions
from changes.outcomes import views as outcomes
from changes.talk import views as talk

urlpatterns: list[URLPattern | URLResolver] = [
    path("hooks/<slug:source>/", connectors.hook, name="hook"),
    path("changes/", list_views.changes, name="changes"),
    path("changes/list.csv", list_views.changes_file, name="changes-file"),
    path("changes/columns/", saved_views.choose_columns, name="choose-columns"),
    path("changes/views/", saved_views.saved_views, name="saved-views"),
    path("changes/views/new/", saved_views.save_view, name="save-view"),
    path("changes/views/<slug:key>/", saved_views.open_view, name="open-view"),
    path("changes/views/<slug:key>/rename/", saved_views.rename_view, name="rename-view"),
    path("changes/views/<slug:key>/default/", saved_views.default_view, name="default-view"),
    path("changes/views/<slug:key>/delete/", saved_views.delete_view, name="delete-view"),
    path("changes/views/<slug:key>/restore/", saved_views.restore_view, name="restore-view"),
    path("changes/new/", proposing.propose, name="propose"),
    path("changes/new/emergency/", emergency_views.declare_emergency, name="declare-emergency"),
    path("changes/preview/", proposing.preview, name="preview-proposal"),
    path("changes/route/", proposing.route, name="route-proposal"),
    path("changes/drafts/save/", draft_views.save, name="save-draft"),
    path("changes/drafts/<uuid:key>/drop/", draft_views.drop, name="drop-draft"),
    path("changes/<int:number>/", views.change, name="change"),
    path("changes/<int:number>/edit/", proposing.edit, name="edit-proposal"),
    path("changes/<int:number>/history/", history_views.history, name="proposal-history"),
    path("changes/<int:number>/link/", joining_views.link_pull_request, name="link-pull-request"),
    path("changes/<int:number>/join/", joining_views.join_change, name="join-change"),
    re_path(r"^changes/(?P<number>\d{1,15})/part/(?P<part>gates|linked|timeline)/$", views.change_part, name="change-part"),
    path("changes/<int:number>/classes/", class_views.choose, name="choose-class"),
    path("changes/<int:number>/approve/", approving.approve, name="approve"),
    path("changes/<int:number>/approve/conditions/", approving.approve_with_conditions, name="approve-with-conditions"),
    path("changes/<int:number>/approvals/<int:pk>/withdraw/", approving.withdraw_approval, name="withdraw-approval"),
    path("changes/<int:number>/conditions/<int:pk>/", approving.step_condition, name="step-condition"),
    path("changes/<int:number>/waiver/", waivers.waiver_page, name="waiver"),
    path("changes/<int:number>/waiver/new/", waivers.propose_waiver, name="propose-waiver"),
    path("changes/<int:number>/waiver/<int:pk>/sign/", waivers.sign_waiver, name="sign-waiver"),
    path("changes/<int:number>/waiver/<int:pk>/withdraw/", waivers.withdraw_waiver, name="withdraw-waiver"),
    path("changes/<int:number>/waiver/<int:pk>/review/", waivers.review_waiver, name="review-waiver"),
    path("approvals/", bulk.approvals, name="approvals"),
    path("approvals/routine/", bulk.choose_routine, name="choose-routine"),
    path("approvals/routine/approve/", bulk.approve_routine, name="approve-routine"),
    path("approvals/delegations/", delegations.delegations, name="delegations"),
    path("approvals/delegations/new/", delegations.new_delegation, name="new-delegation"),
    path("approvals/delegations/<int:pk>/end/", delegations.end_delegation, name="end-delegation"),
    path("changes/<int:number>/emergency/", emergency_views.emergency_part, name="emergency-part"),
    path("changes/<int:number>/plus-one/", emergency_views.plus_one, name="plus-one"),
    path("changes/<int:number>/plus-one/take-back/", emergency_views.take_back_plus_one, name="take-back-plus-one"),
    path("changes/<int:number>/plus-one/confirm/", emergency_views.confirm_plus_one, name="confirm-plus-one"),
    path("changes/<int:number>/reasons/<int:pk>/", emergency_views.give_reason, name="give-reason"),
    path("emergencies/", emergency_views.emergencies, name="emergencies"),
    path("changes/<int:number>/sign-off/", views.sign_off, name="sign-off"),
    path("changes/<int:number>/review/", outcome_views.review_after, name="review-after"),
    path("changes/<int:number>/follow-ups/<int:pk>/done/", outcome_views.finish_follow_up, name="finish-follow-up"),
    path("changes/<int:number>/rollback/", outcome_views.roll_back, name="roll-back"),
    path("changes/<int:number>/comment/", talk_views.comment, name="comment"),
    path("changes/<int:number>/comments/<int:pk>/correct/", talk_views.correct, name="correct-comment"),
    path("changes/<int:number>/follow/", talk_views.follow, name="follow"),
    path("notices/", talk.notices, name="notices"),
    path("notices/unread/", talk.unread, name="unread-notices"),
    path("notices/read/", talk.read_all, name="read-notices"),
    path("me/notices/", talk.choices, name="notice-choices"),
    path("rollbacks/", outcomes.rollbacks, name="rollbacks"),
    path("rollbacks/drills/new/", outcomes.record_drill, name="record-drill"),
    re_path(r"^changes/(?P<number>\d{1,15})/(?P<verb>propose|withdraw|reopen|close)/$", views.press, name="press"),
    path("deploys/", release_views.deploys, name="deploys"),
    path("deploys/<int:pk>/", release_views.release, name="release"),
    path("deploys/<int:pk>/mark/", release_views.mark_release, name="mark-release"),
    path("deploys/<int:pk>/marks/<int:mark_pk>/withdraw/", release_views.withdraw_mark, name="withdraw-mark"),
    path("exceptions/", exceptions.exceptions, name="exceptions"),
    path("exceptions/<int:pk>/", exceptions.exception, name="exception"),
    path("exceptions/<int:pk>/answer/", exceptions.answer_exception, name="answer-exception"),
    path("exceptions/<int:pk>/judge/", exceptions.judge_exception, name="judge-exception"),
    path("exceptions/<int:pk>/hand-over/", exceptions.hand_over_exception, name="hand-over-exception"),
    path("exceptions/<int:pk>/accept/", exceptions.propose_acceptance, name="propose-acceptance"),
    path("exceptions/<int:pk>/accept/<int:acceptance_pk>/confirm/", exceptions.confirm_acceptance, name="confirm-acceptance"),
    path("exceptions/<int:pk>/accept/<int:acceptance_pk>/withdraw/", exceptions.withdraw_acceptance, name="withdraw-acceptance"),
    path("exceptions/noise/", noise_views.noise_rules, name="noise-rules"),
    path("exceptions/noise/new/", noise_views.make_noise_rule, name="make-noise-rule"),
    path("exceptions/noise/<int:pk>/end/", noise_views.end_noise_rule, name="end-noise-rule"),
    path("integrations/", connector_pages.integrations, name="integrations"),
    path("integrations/deliveries/", connector_pages.deliveries, name="deliveries"),
    path("integrations/deliveries/<int:pk>/replay/", connector_pages.replay_delivery, name="replay-delivery"),
    path("integrations/effects/", connector_pages.effects, name="effects"),
    path("integrations/effects/<int:pk>/replay/", connector_pages.replay_effect, name="replay-effect"),
    path("api/v1/", api_urls()),
]
