import type { MailLanguage } from '../texts.ts'

const IF_NOT_YOU =
  '본인이 맞다면 아무것도 하지 않으셔도 됩니다. 본인이 아니라면 다른 사람이 비밀번호를 알고 있을 수 있으니 지금 새 비밀번호를 설정해 주세요.'

const FACTORS = {
  PASSKEY: '패스키',
  SECURITY_KEY: '보안 키',
  TOTP: '인증 앱',
}

export default {
  linkHint: '버튼이 열리지 않으면 아래 주소를 복사해 브라우저에 붙여 넣어 주세요.',
  footer: ({ appName, url }) => `${appName} · ${url}`,
  links: { terms: '이용약관', privacy: '개인정보처리방침', support: '고객 지원' },
  origin: ({ time, device, ipAddress }) => [
    `일시: ${time}`,
    ...(device ? [`기기: ${device}`] : []),
    ...(ipAddress ? [`IP 주소: ${ipAddress}`] : []),
  ],
  templates: {
    'verify-email': ({ appName, origin, waits, forgotPasswordUrl }) => ({
      subject: `[${appName}] 이메일 주소를 인증해 주세요`,
      paragraphs: waits
        ? [
            `이 이메일 주소로 ${appName} 가입 신청이 접수되었습니다.`,
            origin,
            '직접 신청했다면 이메일 주소를 인증해 주세요. 인증하면 계정이 만들어집니다. 신청한 적이 없다면 이 메일을 무시해 주세요. 계정은 만들어지지 않습니다. 직접 시작하지 않은 가입은 절대 인증하지 마세요. 가입을 시작한 사람이 비밀번호를 알고 있습니다.',
          ]
        : [
            `이 이메일 주소가 ${appName} 계정에 등록되었습니다.`,
            origin,
            `직접 등록했다면 이메일 주소를 인증해 주세요. 등록한 적이 없다면 인증하지 마세요. 다른 사람이 그 계정의 비밀번호를 알고 있습니다. 다른 사람을 모두 로그아웃하고 계정을 직접 사용하려면 ${forgotPasswordUrl} 에서 새 비밀번호를 설정해 주세요.`,
          ],
      action: '이메일 주소 인증',
      after: ['이 링크는 24시간 동안 유효하며 한 번만 사용할 수 있습니다.'],
    }),
    'already-registered': ({ appName, origin }) => ({
      subject: `[${appName}] 이미 가입된 이메일 주소입니다`,
      paragraphs: [
        `다른 ${appName} 계정에 이 이메일 주소를 사용하려는 시도가 있었습니다. 이미 가입된 주소이므로 변경된 내용은 없습니다.`,
        origin,
      ],
      action: '새 비밀번호 설정',
      after: [
        '직접 시도했고 비밀번호가 기억나지 않는다면 새 비밀번호를 설정해 주세요. 그렇지 않다면 이 메일을 무시하셔도 됩니다.',
      ],
    }),
    'reset-password': ({ appName, origin, byAdministrator }) => ({
      subject: `[${appName}] 새 비밀번호를 설정해 주세요`,
      paragraphs: byAdministrator
        ? [`${appName} 관리자가 새 비밀번호를 설정할 수 있는 링크를 보냈습니다.`, origin]
        : [`${appName} 계정의 비밀번호를 재설정해 달라는 요청을 받았습니다.`, origin],
      action: '새 비밀번호 설정',
      after: [
        byAdministrator
          ? '이 링크는 30분 동안 유효하며 한 번만 사용할 수 있습니다. 새 비밀번호를 설정하기 전까지 기존 비밀번호는 그대로 유지됩니다.'
          : '이 링크는 30분 동안 유효하며 한 번만 사용할 수 있습니다. 요청한 적이 없다면 이 메일을 무시해 주세요. 비밀번호는 변경되지 않습니다.',
      ],
    }),
    invitation: ({ appName }) => ({
      subject: `[${appName}] 초대를 받으셨습니다`,
      paragraphs: [
        `${appName} 관리자가 계정을 만들어 드렸습니다. 비밀번호를 설정하면 바로 사용할 수 있습니다.`,
      ],
      action: '초대 수락',
      after: ['이 링크는 7일 동안 유효하며 한 번만 사용할 수 있습니다.'],
    }),
    'email-login': ({ appName, origin, code, effect }) => ({
      subject: `[${appName}] 로그인 인증 코드`,
      paragraphs: [
        effect === 'create'
          ? `${appName} 계정을 만들려면 가입을 시작한 화면에 아래 인증 코드를 입력해 주세요.`
          : `${appName}에 로그인하려면 로그인을 시작한 화면에 아래 인증 코드를 입력해 주세요.`,
        '이 이메일 주소로 로그인 요청이 있었습니다.',
        origin,
        `직접 요청하지 않았다면 이 메일을 무시해 주세요. 인증 코드와 링크는 누구에게도 알려 주지 마세요. ${appName}에서는 절대 묻지 않습니다.`,
        ...(effect === 'take-over'
          ? [
              '아직 인증되지 않은 이메일 주소입니다. 로그인하면 주소가 인증됩니다. 다른 사람이 계정을 사용하지 못하도록 기존 비밀번호와 패스키가 삭제되고 모든 기기에서 로그아웃됩니다.',
            ]
          : []),
      ],
      code,
      action: effect === 'create' ? '이 기기에서 계정 만들기' : '이 기기에서 로그인',
      after: ['인증 코드와 링크는 10분 동안 유효하며, 둘 중 하나만 한 번 사용할 수 있습니다.'],
    }),
    'confirm-new-email': ({ appName, origin }) => ({
      subject: `[${appName}] 새 이메일 주소를 확인해 주세요`,
      paragraphs: [
        `${appName} 계정에 이 이메일 주소를 사용하겠다는 요청을 받았습니다.`,
        origin,
        '직접 요청했다면 새 주소를 확인해 주세요. 요청한 적이 없다면 이 메일을 무시해 주세요. 아무것도 변경되지 않습니다. 직접 요청하지 않은 변경은 절대 확인하지 마세요. 변경을 요청한 사람이 그 계정의 비밀번호를 알고 있습니다.',
      ],
      action: '이 주소로 변경',
      after: ['이 링크는 1시간 동안 유효하며 한 번만 사용할 수 있습니다.'],
    }),
    'email-change-requested': ({ appName, newEmail, origin }) => ({
      subject: `[${appName}] 이메일 주소 변경 요청이 있었습니다`,
      paragraphs: [
        `${appName} 계정에 로그인된 기기에서 이메일 주소를 ${newEmail} 주소로 변경해 달라고 요청했습니다.`,
        origin,
        '직접 요청했다면 아무것도 하지 않으셔도 됩니다. 요청한 적이 없다면 기존 주소를 지켜 주세요. 모든 기기에서 로그아웃되고 비밀번호가 있다면 초기화됩니다. 다시 로그인하는 방법은 메일로 알려 드립니다.',
      ],
      action: '기존 이메일 주소 지키기',
      after: ['이 링크는 7일 동안 유효하며, 주소가 변경된 뒤에도 사용할 수 있습니다.'],
    }),
    'email-changed': ({ appName, newEmail, origin }) => ({
      subject: `[${appName}] 이메일 주소가 변경되었습니다`,
      paragraphs: [
        `${appName} 계정의 이메일 주소가 ${newEmail} 주소로 변경되었습니다.`,
        origin,
        '직접 변경했다면 아무것도 하지 않으셔도 됩니다. 변경한 적이 없다면 이 주소로 되돌려 주세요. 모든 기기에서 로그아웃되고 비밀번호가 있다면 초기화됩니다. 다시 로그인하는 방법은 메일로 알려 드립니다.',
      ],
      action: '이 주소로 되돌리기',
      after: ['이 링크는 7일 동안 유효합니다.'],
    }),
    'email-change-undone': ({ appName, time }) => ({
      subject: `[${appName}] 기존 이메일 주소를 지켰습니다`,
      paragraphs: [
        `${time}에 ${appName} 계정의 이메일 주소를 이 주소로 유지했습니다. 모든 기기에서 로그아웃되었고, 변경 요청 이후 추가된 로그인 수단은 삭제되었습니다.`,
        '이 계정에는 비밀번호가 없습니다. 패스키 등 기존에 쓰던 방법으로 로그인해 주세요.',
      ],
    }),
    'email-replaced': ({ appName, newEmail, time }) => ({
      subject: `[${appName}] 관리자가 이메일 주소를 변경했습니다`,
      paragraphs: [
        `${appName} 관리자가 ${time}에 계정의 이메일 주소를 ${newEmail} 주소로 변경했습니다. 앞으로 이 주소로는 메일을 보내지 않습니다.`,
        '착오가 있다고 생각되면 관리자에게 문의해 주세요.',
      ],
    }),
    'password-changed': ({ appName, origin }) => ({
      subject: `[${appName}] 비밀번호가 변경되었습니다`,
      paragraphs: [
        `${appName} 계정의 비밀번호가 변경되었고 다른 기기는 모두 로그아웃되었습니다.`,
        origin,
        IF_NOT_YOU,
      ],
      action: '새 비밀번호 설정',
    }),
    'password-removed': ({ appName, origin }) => ({
      subject: `[${appName}] 비밀번호가 삭제되었습니다`,
      paragraphs: [
        `${appName} 계정의 비밀번호가 삭제되었습니다. 앞으로는 패스키로 로그인합니다. 다른 기기는 모두 로그아웃되었습니다.`,
        origin,
        IF_NOT_YOU,
      ],
      action: '새 비밀번호 설정',
    }),
    'new-device': ({ appName, origin }) => ({
      subject: `[${appName}] 새 기기에서 로그인했습니다`,
      paragraphs: [`새 기기에서 ${appName} 계정에 로그인했습니다.`, origin, IF_NOT_YOU],
      action: '새 비밀번호 설정',
    }),
    'reuse-detected': ({ appName, origin }) => ({
      subject: `[${appName}] 계정을 보호하기 위해 기기 한 대를 로그아웃했습니다`,
      paragraphs: [
        `${appName} 계정의 로그인 정보가 도용된 것으로 의심되어 해당 기기를 로그아웃했습니다.`,
        origin,
        '해당 기기에서 다시 로그인해 주세요. 모르는 기기라면 새 비밀번호를 설정해 주세요.',
      ],
      action: '새 비밀번호 설정',
    }),
    'copy-refused': ({ appName, origin }) => ({
      subject: `[${appName}] 복사된 로그인 정보의 사용을 막았습니다`,
      paragraphs: [
        `누군가 회원님의 기기에만 있는 키 없이 ${appName} 계정의 로그인 정보를 사용하려고 했습니다. 요청을 거부했으며, 회원님의 로그인은 그대로 유지됩니다.`,
        origin,
        '기기에 저장된 정보가 유출되었을 수 있으니 모르는 프로그램이나 확장 프로그램이 있는지 확인해 주세요. 본인이 아니라면 새 비밀번호를 설정해 주세요. 다른 기기는 모두 로그아웃됩니다.',
      ],
      action: '새 비밀번호 설정',
    }),
    'factor-code': ({ appName, origin, code }) => ({
      subject: `[${appName}] 인증 코드`,
      paragraphs: [
        `${appName} 계정에 로그인 수단을 추가하려면 아래 코드를 입력해 주세요.`,
        origin,
        '요청한 적이 없다면 코드를 아무에게도 알려 주지 마세요. 다른 사람이 비밀번호를 알고 있을 수 있으니 새 비밀번호를 설정해 주세요.',
      ],
      code,
      after: ['이 코드는 10분 동안, 요청한 기기에서만 사용할 수 있습니다.'],
    }),
    'factor-added': ({ appName, origin, factor }) => ({
      subject: `[${appName}] ${FACTORS[factor]} 추가 안내`,
      paragraphs: [
        `${appName} 계정에 새 로그인 수단이 추가되었습니다: ${FACTORS[factor]}`,
        origin,
        '본인이 맞다면 아무것도 하지 않으셔도 됩니다. 본인이 아니라면 지금 새 비밀번호를 설정하고 추가된 수단을 계정에서 삭제해 주세요.',
      ],
      action: '새 비밀번호 설정',
    }),
    'factor-removed': ({ appName, origin, factor }) => ({
      subject: `[${appName}] ${FACTORS[factor]} 삭제 안내`,
      paragraphs: [
        `${appName} 계정에서 로그인 수단이 삭제되었습니다: ${FACTORS[factor]}\n다른 기기는 모두 로그아웃되었습니다.`,
        origin,
        IF_NOT_YOU,
      ],
      action: '새 비밀번호 설정',
    }),
    'identity-added': ({ appName, origin, provider }) => ({
      subject: `[${appName}] ${provider} 로그인이 연결되었습니다`,
      paragraphs: [
        `이제 ${provider} 계정으로 ${appName}에 로그인할 수 있습니다.`,
        origin,
        '본인이 맞다면 아무것도 하지 않으셔도 됩니다. 본인이 아니라면 지금 새 비밀번호를 설정하고 계정에서 연결을 해제해 주세요.',
      ],
      action: '새 비밀번호 설정',
    }),
    'identity-removed': ({ appName, origin, provider }) => ({
      subject: `[${appName}] ${provider} 로그인 연결이 해제되었습니다`,
      paragraphs: [
        `이제 ${provider} 계정으로 ${appName}에 로그인할 수 없습니다. 다른 기기는 모두 로그아웃되었습니다.`,
        origin,
        IF_NOT_YOU,
      ],
      action: '새 비밀번호 설정',
    }),
    'api-key-created': ({ appName, origin, prefix }) => ({
      subject: `[${appName}] API 키가 생성되었습니다`,
      paragraphs: [
        `${appName} 계정을 대신 사용할 수 있는 API 키(${prefix}…)가 생성되었습니다.`,
        origin,
        '본인이 맞다면 아무것도 하지 않으셔도 됩니다. 본인이 아니라면 지금 새 비밀번호를 설정하고 계정에서 키를 삭제해 주세요.',
      ],
      action: '새 비밀번호 설정',
    }),
    'recovery-codes-renewed': ({ appName, origin }) => ({
      subject: `[${appName}] 복구 코드를 새로 발급했습니다`,
      paragraphs: [
        `${appName} 계정의 복구 코드를 새로 발급했습니다. 이전 코드는 더 이상 사용할 수 없습니다.`,
        origin,
        IF_NOT_YOU,
      ],
      action: '새 비밀번호 설정',
    }),
    'wrong-codes': ({ appName, origin }) => ({
      subject: `[${appName}] 다른 사람이 비밀번호를 알고 있을 수 있습니다`,
      paragraphs: [
        `${appName} 계정 로그인의 첫 단계(보통 비밀번호)를 통과한 뒤 인증 코드를 세 번 틀린 시도가 있었습니다. 로그인되지는 않았습니다.`,
        origin,
        IF_NOT_YOU,
      ],
      action: '새 비밀번호 설정',
    }),
    'recovery-code-used': ({ appName, origin, left }) => ({
      subject: `[${appName}] 복구 코드로 로그인했습니다`,
      paragraphs: [
        `복구 코드로 ${appName} 계정에 로그인했습니다. 남은 복구 코드는 ${left}개입니다.`,
        origin,
        '본인이 맞다면 아무것도 하지 않으셔도 됩니다. 코드가 떨어지기 전에 새로 발급해 주세요. 본인이 아니라면 다른 사람이 복구 코드와 비밀번호를 알고 있을 수 있으니 지금 새 비밀번호를 설정하고 복구 코드를 새로 발급해 주세요.',
      ],
      action: '새 비밀번호 설정',
    }),
    'factors-reset': ({ appName, time }) => ({
      subject: `[${appName}] 2단계 인증이 초기화되었습니다`,
      paragraphs: [
        `${appName} 관리자가 ${time}에 계정의 인증 앱, 패스키, 보안 키, 복구 코드를 모두 삭제했습니다. 모든 기기에서 로그아웃되었습니다.`,
        '비밀번호로 로그인한 뒤 2단계 인증을 다시 설정해 주세요. 설정할 때 이 주소로 보내 드리는 인증 코드가 필요합니다.',
        '요청하신 적이 없다면 관리자에게 문의해 주세요.',
      ],
    }),
    'factor-recovery': ({ appName, origin, readyTime }) => ({
      subject: `[${appName}] 2단계 인증을 해제해 달라는 요청이 있었습니다`,
      paragraphs: [
        `비밀번호를 아는 누군가가 2단계 인증 없이 ${appName} 계정을 복구해 달라고 요청했습니다.`,
        origin,
        `직접 요청했다면 ${readyTime}까지 기다려 주세요. 그 뒤 7일 안에 비밀번호로 다시 로그인해 복구를 마치면 됩니다. 직접 요청하지 않았다면 지금 복구를 취소하고 새 비밀번호를 설정해 주세요. 2단계 인증으로 로그인해도 취소됩니다.`,
      ],
      action: '복구 취소',
    }),
    'factor-recovery-reminder': ({ appName, time, readyTime }) => ({
      subject: `[${appName}] 곧 2단계 인증이 해제될 수 있습니다`,
      paragraphs: [
        `${time}에 비밀번호를 아는 누군가가 2단계 인증 없이 ${appName} 계정을 복구해 달라고 요청했습니다. ${readyTime}부터 2단계 인증을 해제할 수 있습니다.`,
        '직접 요청했다면 아직 아무것도 하지 않으셔도 됩니다. 직접 요청하지 않았다면 지금 복구를 취소하고 새 비밀번호를 설정해 주세요. 2단계 인증으로 로그인해도 취소됩니다.',
      ],
      action: '복구 취소',
    }),
    'factors-recovered': ({ appName, time }) => ({
      subject: `[${appName}] 2단계 인증이 해제되었습니다`,
      paragraphs: [
        `${time}에 ${appName} 계정 복구가 완료되었습니다. 인증 앱, 패스키, 보안 키, 복구 코드가 모두 삭제되었고 모든 기기에서 로그아웃되었습니다.`,
        '비밀번호로 로그인한 뒤 2단계 인증을 다시 설정해 주세요. 설정할 때 이 주소로 보내 드리는 인증 코드가 필요합니다.',
        '직접 하지 않았다면 관리자에게 문의해 주세요.',
      ],
    }),
    'account-disabled': ({ appName, time }) => ({
      subject: `[${appName}] 계정이 정지되었습니다`,
      paragraphs: [
        `${appName} 관리자가 ${time}에 계정을 정지했습니다. 모든 기기에서 로그아웃되었습니다.`,
        '착오가 있다고 생각되면 관리자에게 문의해 주세요.',
      ],
    }),
    'account-deleted': ({ appName, time }) => ({
      subject: `[${appName}] 계정이 삭제되었습니다`,
      paragraphs: [
        `${appName} 계정과 모든 데이터가 ${time}에 삭제되었습니다.`,
        '이 주소로 보내 드리는 마지막 메일입니다. 그동안 이용해 주셔서 감사합니다.',
      ],
    }),
  },
} satisfies MailLanguage
